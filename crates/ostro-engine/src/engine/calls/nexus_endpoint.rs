//! Nexus endpoints: made, changed, deleted.

use temporalio_protos::temporal::api::operatorservice::v1::*;

use super::super::Engine;
use crate::error::Result;
use crate::persistence::Loader;

impl<L: Loader> Engine<L> {
    pub(super) fn create_nexus_endpoint(
        &mut self,
        request: CreateNexusEndpointRequest,
    ) -> Result<CreateNexusEndpointResponse> {
        let (response, write) = self.endpoints.create(request, &self.namespaces, &mut self.ids, self.now)?;
        self.out.writes.push(write);
        Ok(response)
    }

    pub(super) fn update_nexus_endpoint(
        &mut self,
        request: UpdateNexusEndpointRequest,
    ) -> Result<UpdateNexusEndpointResponse> {
        let (response, write) = self.endpoints.update(request, &self.namespaces, self.now)?;
        self.out.writes.push(write);
        Ok(response)
    }

    pub(super) fn delete_nexus_endpoint(
        &mut self,
        request: DeleteNexusEndpointRequest,
    ) -> Result<DeleteNexusEndpointResponse> {
        let (response, write) = self.endpoints.delete(&request)?;
        self.out.writes.push(write);
        Ok(response)
    }
}
