//! Who may call through Nexus endpoints: they lead from one namespace to the workers of another.
//!
//! An endpoint to workers may be called from their own namespace, from those that `[nexus.callers]` names for it, and with a
//! key that is an operator of the workers' namespace. One to a URL outside leads to no namespace: it may be called from
//! everywhere, unless callers are named for it.

use std::collections::BTreeMap;

use ostro_wire::Caller;
use temporalio_protos::temporal::api::nexus::v1::endpoint_target::Variant;
use temporalio_protos::temporal::api::operatorservice::v1::ListNexusEndpointsRequest;
use tonic::Status;

use crate::model::access::{ApiKey, EVERY_NAMESPACE, Role};

/// The server's own: what workflows ask of it through Nexus stays in their namespace.
const SYSTEM: &str = "__temporal_system";

/// The namespaces that may call through an endpoint, by its name; `*` is every one.
pub type Callers = BTreeMap<String, Vec<String>>;

/// What the guard must know of endpoints.
pub(crate) struct Endpoints {
    pub(crate) engine: Caller,
    pub(crate) callers: Callers,
}

impl Endpoints {
    /// Whether a key may have workflows of namespace `own` call through these endpoints.
    ///
    /// # Errors
    /// PERMISSION_DENIED, with what to do.
    pub(crate) async fn allow(&self, key: &ApiKey, own: &str, endpoints: &[String]) -> Result<(), Status> {
        // One without a name is none: to list by no name would find any.
        let named = endpoints.iter().filter(|endpoint| !endpoint.is_empty() && *endpoint != SYSTEM);
        for endpoint in named {
            if !self.names(endpoint, own) && !self.leads_where_it_may(key, own, endpoint).await? {
                return Err(Status::permission_denied(format!(
                    "the key {} may not call through the Nexus endpoint {endpoint} from namespace {own}: name the namespace \
                     under [nexus.callers] in the server's configuration, or use a key that is an operator of the namespace \
                     that the endpoint leads to",
                    key.id
                )));
            }
        }
        Ok(())
    }

    fn names(&self, endpoint: &str, own: &str) -> bool {
        let callers = self.callers.get(endpoint);
        callers.is_some_and(|callers| callers.iter().any(|name| name == own || name == EVERY_NAMESPACE))
    }

    async fn leads_where_it_may(&self, key: &ApiKey, own: &str, endpoint: &str) -> Result<bool, Status> {
        let request = ListNexusEndpointsRequest { name: endpoint.to_owned(), ..Default::default() };
        let found = self.engine.ask(&request).await?;
        let spec = found.endpoints.into_iter().next().and_then(|endpoint| endpoint.spec);
        let is_operator = |namespace: &str| key.role_in(namespace).is_some_and(|role| role >= Role::Operator);
        Ok(match spec.and_then(|spec| spec.target).and_then(|target| target.variant) {
            Some(Variant::Worker(worker)) => worker.namespace == own || is_operator(&worker.namespace),
            Some(Variant::External(_)) => !self.callers.contains_key(endpoint) || is_operator(EVERY_NAMESPACE),
            // The engine says what is wrong with it.
            None => true,
        })
    }
}
