"""What a worker needs of the Workflows API so that it runs at all, and nothing behind it: python stub_api.py PORT TEMPORAL_ADDRESS

For measurements: the official worker on the real server, with an API that costs as little as one in Python can.
`GET /queue` tells the task queue once a worker has registered.
"""

from __future__ import annotations

import json
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    temporal = ""
    queue = ""

    def do_GET(self) -> None:
        if self.path == "/queue":
            return self.answer({"queue": Stub.queue}) if Stub.queue else self.answer({}, 503)
        features = {"upload_graph": False, "events_api_version": "v2"}
        self.answer({"scheduler_url": Stub.temporal, "namespace": "default", "tls": False, "features": features})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        match self.path.split("?")[0].rsplit("/", 1)[1]:
            case "register" if "definitions" in body:
                Stub.queue = body["definitions"][0]["task_queue"]
                refs = [{key: str(uuid.uuid4()) for key in REFERENCE} for _ in body["definitions"]]
                ids = [ref["workflow_registration_id"] for ref in refs]
                self.answer(
                    {"has_conflicts": False, "workflow_registration_ids": ids, "workflow_registration_refs": refs, "warnings": []}
                )
            case "register":
                self.answer({"execution_id": body["temporal_workflow_id"], "created": True, "metadata_status": "ok"})
            case "heartbeat":
                self.answer({"all_active": True})
            case "event-route-token":
                self.answer({"route_token": str(uuid.uuid4()), "expires_in_seconds": 3600})
            case _:
                self.answer({"status": "success", "events_received": len(body.get("events", [1]))})

    def answer(self, value: object, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Not of interest."""


REFERENCE = ["workflow_id", "workflow_registration_id", "workflow_version_id"]

if __name__ == "__main__":
    Stub.temporal = sys.argv[2]
    # One segment for head and body.
    Stub.wbufsize = -1
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Stub).serve_forever()
