//! API keys at the gRPC interface: the same keys, sent as `authorization: Bearer ostro_…`, as every SDK's `api_key` is.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use ostro_wire::{BoxFuture, Guard, Namespaces, namespaces};
use prost::Message;
use temporalio_protos::temporal::api::command::v1::command::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, RespondWorkflowTaskCompletedRequest,
};
use tonic::Status;

use super::keys::EVERY_NAMESPACE;
use super::known::Keys;
use super::methods::{Needs, needs};
use super::{ApiKey, Role};

/// Lets only known keys in, each where it has a role.
pub(crate) struct KeyGuard {
    pub(crate) keys: Arc<Keys>,
}

impl Guard for KeyGuard {
    fn admit(
        &self,
        service: &str,
        method: &str,
        headers: &HeaderMap,
        request: &Bytes,
    ) -> BoxFuture<Result<(), Status>> {
        let needed = needs(service, method);
        if needed == Needs::Nothing {
            return Box::pin(std::future::ready(Ok(())));
        }
        let secret = bearer(headers).map(str::to_owned);
        let places = places(service, method, request);
        let (keys, method) = (self.keys.clone(), method.to_owned());
        Box::pin(async move {
            let key = match secret {
                Some(secret) => keys.known(&secret).await.map_err(|error| Status::internal(error.to_string()))?,
                None => None,
            };
            let key = key.ok_or_else(|| Status::unauthenticated(NO_KEY))?;
            let Needs::Role(role) = needed else { return Ok(()) };
            places?.iter().try_for_each(|place| allow(&key, &method, place, place.at_least.max(role)))
        })
    }
}

const NO_KEY: &str = "this server needs an API key it knows: give your client one as its api_key, sent as `authorization: \
                      Bearer ostro_…`; `ostro token create` makes one";

/// The key that a request carries.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// A namespace in which a request acts.
#[derive(Debug, PartialEq)]
struct Place {
    /// [`EVERY_NAMESPACE`] where it is about all of them.
    namespace: String,
    /// The role that it needs there, if it is more than the method's.
    at_least: Role,
}

impl Place {
    fn of(namespace: String) -> Self {
        // Whoever leaves the namespace open must have a role in all of them.
        let namespace = if namespace.is_empty() { EVERY_NAMESPACE.to_owned() } else { namespace };
        Self { namespace, at_least: Role::Reader }
    }
}

fn places(service: &str, method: &str, request: &Bytes) -> Result<Vec<Place>, Status> {
    let Namespaces::One(namespace) = namespaces(service, method, request)? else {
        return Ok(vec![Place::of(String::new())]);
    };
    match method {
        "RespondWorkflowTaskCompleted" => Ok(commanded(namespace, &decode(method, request)?)),
        "DescribeNamespace" => {
            let request: DescribeNamespaceRequest = decode(method, request)?;
            Ok(vec![Place::of(if request.id.is_empty() { namespace } else { String::new() })])
        }
        _ => Ok(vec![Place::of(namespace)]),
    }
}

fn decode<M: Message + Default>(method: &str, request: &Bytes) -> Result<M, Status> {
    M::decode(request.clone()).map_err(|_| Status::invalid_argument(format!("the request of {method} does not decode")))
}

/// A workflow may start, signal and cancel in other namespaces: its worker must be allowed to as well.
#[allow(deprecated, reason = "what is deprecated may still be sent, and the engine still does it")]
fn commanded(own: String, request: &RespondWorkflowTaskCompletedRequest) -> Vec<Place> {
    let mut places = vec![Place::of(own)];
    for command in &request.commands {
        let other = match &command.attributes {
            Some(Attributes::StartChildWorkflowExecutionCommandAttributes(start)) => &start.namespace,
            Some(Attributes::SignalExternalWorkflowExecutionCommandAttributes(signal)) => &signal.namespace,
            Some(Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(cancel)) => &cancel.namespace,
            _ => continue,
        };
        if !other.is_empty() && places.iter().all(|place| place.namespace != *other) {
            places.push(Place { namespace: other.clone(), at_least: Role::Operator });
        }
    }
    places
}

fn allow(key: &ApiKey, method: &str, place: &Place, needed: Role) -> Result<(), Status> {
    let namespace = &place.namespace;
    match key.role_in(namespace) {
        Some(role) if role >= needed => Ok(()),
        Some(role) => Err(Status::permission_denied(format!(
            "the key {} is a {} of namespace {namespace}; {method} needs {}",
            key.id,
            role.name(),
            needed.name()
        ))),
        None if namespace == EVERY_NAMESPACE => Err(Status::permission_denied(format!(
            "{method} is about no single namespace, so it needs a key for all of them (`ostro token create --namespace \
             '*'`); the key {} has a role in some only",
            key.id
        ))),
        None => Err(Status::permission_denied(format!("the key {} has no role in namespace {namespace}", key.id))),
    }
}

#[cfg(test)]
mod tests;
