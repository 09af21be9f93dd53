//! Namespaces and their search attributes: the registry does the work, its writes join the call's.

use crate::base::error::Result;
use crate::call::{Answer, Command};
use crate::engine::Engine;
use crate::stored::persistence::{Loader, Write};

impl<L: Loader> Engine<L> {
    /// A call on the registry of namespaces; `None` where it is another call.
    pub(crate) fn namespace_call(&mut self, command: Command) -> Result<Option<Answer>> {
        let answer = match command {
            Command::RegisterNamespace(r) => {
                let (response, writes) = self.namespaces.register(*r, &mut self.ids, self.now, &self.config)?;
                self.keep(writes);
                Answer::RegisterNamespace(Box::new(response))
            }
            Command::DescribeNamespace(r) => {
                Answer::DescribeNamespace(Box::new(self.namespaces.describe(&r, &self.config)?))
            }
            Command::ListNamespaces(r) => Answer::ListNamespaces(Box::new(self.namespaces.list(&r, &self.config)?)),
            Command::UpdateNamespace(r) => {
                let (response, writes) = self.namespaces.update(*r, &self.config)?;
                self.keep(writes);
                Answer::UpdateNamespace(Box::new(response))
            }
            Command::DeprecateNamespace(r) => {
                let (response, writes) = self.namespaces.deprecate(&r)?;
                self.keep(writes);
                Answer::DeprecateNamespace(Box::new(response))
            }
            Command::DeleteNamespace(r) => {
                let (response, writes) = self.namespaces.delete(&r)?;
                self.keep(writes);
                if let Some(id) = self.namespaces.by_name(&response.deleted_namespace).map(|namespace| namespace.id) {
                    self.drop_schedules(id);
                    let writes = self.deployments.drop_namespace(id);
                    self.keep(writes);
                    let writes = self.settings.drop_namespace(id);
                    self.keep(writes);
                }
                Answer::DeleteNamespace(Box::new(response))
            }
            Command::AddSearchAttributes(r) => {
                let (response, writes) = self.namespaces.add_search_attributes(*r)?;
                self.keep(writes);
                Answer::AddSearchAttributes(Box::new(response))
            }
            Command::RemoveSearchAttributes(r) => {
                let (response, writes) = self.namespaces.remove_search_attributes(&r)?;
                self.keep(writes);
                Answer::RemoveSearchAttributes(Box::new(response))
            }
            Command::ListSearchAttributes(r) => {
                Answer::ListSearchAttributes(Box::new(self.namespaces.list_search_attributes(&r)?))
            }
            Command::ResolveNamespace(r) => Answer::ResolveNamespace(Box::new(self.namespaces.resolve(&r.namespace)?)),
            _ => return Ok(None),
        };
        Ok(Some(answer))
    }

    /// Adds writes to the output in progress.
    pub(in crate::engine) fn keep(&mut self, writes: Vec<Write>) {
        self.out.writes.extend(writes);
    }
}
