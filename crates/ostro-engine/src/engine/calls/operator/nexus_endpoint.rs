//! Nexus endpoints: made, changed, deleted.

use temporalio_protos::temporal::api::operatorservice::v1::*;

use crate::base::error::Result;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::stored::persistence::Loader;

answers! {
    CreateNexusEndpointRequest: |engine, request| engine.create_nexus_endpoint(request);
    UpdateNexusEndpointRequest: |engine, request| engine.update_nexus_endpoint(request);
    DeleteNexusEndpointRequest: |engine, request| engine.delete_nexus_endpoint(request);
    GetNexusEndpointRequest: |engine, request| engine.endpoints.describe(&request);
    ListNexusEndpointsRequest: |engine, request| engine.endpoints.list(&request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn create_nexus_endpoint(
        &mut self,
        request: CreateNexusEndpointRequest,
    ) -> Result<CreateNexusEndpointResponse> {
        let (response, write) = self.endpoints.create(request, &self.namespaces, &mut self.ids, self.now)?;
        self.out.writes.push(write);
        Ok(response)
    }

    pub(crate) fn update_nexus_endpoint(
        &mut self,
        request: UpdateNexusEndpointRequest,
    ) -> Result<UpdateNexusEndpointResponse> {
        let (response, write) = self.endpoints.update(request, &self.namespaces, self.now)?;
        self.out.writes.push(write);
        Ok(response)
    }

    pub(crate) fn delete_nexus_endpoint(
        &mut self,
        request: DeleteNexusEndpointRequest,
    ) -> Result<DeleteNexusEndpointResponse> {
        let (response, write) = self.endpoints.delete(&request)?;
        self.out.writes.push(write);
        Ok(response)
    }
}
