//! Nexus endpoints: made, changed, deleted.

use temporalio_protos::temporal::api::operatorservice::v1::*;

use crate::base::error::Result;
use crate::engine::Engine;
use crate::stored::persistence::Loader;

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
