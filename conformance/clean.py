"""Deletes schedules and Nexus endpoints that earlier runs left: some tests count all there are.

python clean.py HOST:PORT        (a server without one of these methods is left as it is)
"""

import asyncio
import os
import sys

from temporalio.api.operatorservice.v1 import DeleteNexusEndpointRequest, ListNexusEndpointsRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode


async def delete_schedules(client: Client) -> None:
    async for schedule in await client.list_schedules():
        await client.get_schedule_handle(schedule.id).delete()


async def delete_nexus_endpoints(client: Client) -> None:
    listed = await client.operator_service.list_nexus_endpoints(ListNexusEndpointsRequest(page_size=100))
    for endpoint in listed.endpoints:
        request = DeleteNexusEndpointRequest(id=endpoint.id, version=endpoint.version)
        await client.operator_service.delete_nexus_endpoint(request)


async def main() -> None:
    client = await Client.connect(sys.argv[1])
    for clean in (delete_schedules, delete_nexus_endpoints):
        try:
            await clean(client)
        except RPCError as error:
            if error.status != RPCStatusCode.UNIMPLEMENTED:
                raise


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # temporalio 1.31.0 now and then crashes in the interpreter's own clean-up, after all went well
