//! Namespaces and their search attributes: the registry does the work, its writes join the call's.

use temporalio_protos::temporal::api::{operatorservice::v1 as operator, workflowservice::v1 as service};

use crate::call::ResolveNamespace;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::stored::persistence::{Loader, Write};

answers! {
    service::RegisterNamespaceRequest: |engine, request| {
                let (response, writes) = engine.namespaces.register(request, &mut engine.ids, engine.now, &engine.config)?;
                engine.keep(writes);
                Ok(response)
            };
    service::DescribeNamespaceRequest: |engine, request| engine.namespaces.describe(&request, &engine.config);
    service::ListNamespacesRequest: |engine, request| engine.namespaces.list(&request, &engine.config);
    service::UpdateNamespaceRequest: |engine, request| {
                let (response, writes) = engine.namespaces.update(request, &engine.config)?;
                engine.keep(writes);
                Ok(response)
            };
    service::DeprecateNamespaceRequest: |engine, request| {
                let (response, writes) = engine.namespaces.deprecate(&request)?;
                engine.keep(writes);
                Ok(response)
            };
    operator::DeleteNamespaceRequest: |engine, request| {
                let (response, writes) = engine.namespaces.delete(&request)?;
                engine.keep(writes);
                if let Some(id) = engine.namespaces.by_name(&response.deleted_namespace).map(|namespace| namespace.id) {
                    engine.drop_schedules(id);
                    let writes = engine.deployments.drop_namespace(id);
                    engine.keep(writes);
                    let writes = engine.settings.drop_namespace(id);
                    engine.keep(writes);
                }
                Ok(response)
            };
    operator::AddSearchAttributesRequest: |engine, request| {
                let (response, writes) = engine.namespaces.add_search_attributes(request)?;
                engine.keep(writes);
                Ok(response)
            };
    operator::RemoveSearchAttributesRequest: |engine, request| {
                let (response, writes) = engine.namespaces.remove_search_attributes(&request)?;
                engine.keep(writes);
                Ok(response)
            };
    operator::ListSearchAttributesRequest: |engine, request| engine.namespaces.list_search_attributes(&request);
    ResolveNamespace: |engine, request| engine.namespaces.resolve(&request.namespace);
}

impl<L: Loader> Engine<L> {
    /// Adds writes to the output in progress.
    pub(in crate::engine) fn keep(&mut self, writes: Vec<Write>) {
        self.out.writes.extend(writes);
    }
}
