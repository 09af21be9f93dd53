//! API keys at the gRPC interface: the same keys, sent as `authorization: Bearer ostro_…`, as every SDK's `api_key` is.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use ostro_wire::ostro_service::{self, ImportWorkflowExecutionRequest};
use ostro_wire::{BoxFuture, Guard, Leave, Namespaces, namespaces};
use prost::Message;
use temporalio_protos::temporal::api::command::v1::command::Attributes;
use temporalio_protos::temporal::api::history::v1::history_event;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, RespondWorkflowTaskCompletedRequest, StartNexusOperationExecutionRequest,
};
use tonic::Status;

use super::endpoints::Endpoints;
use super::identity::{Door, Identity};
use super::methods::{Needs, needs};
use crate::model::access::{ApiKey, EVERY_NAMESPACE, Role};
use crate::model::error::{Code, Error};

/// Lets callers in: each key where it has a role, and callers without one where none is needed.
pub(crate) struct KeyGuard {
    pub(crate) door: Arc<Door>,
    pub(crate) endpoints: Arc<Endpoints>,
}

impl Guard for KeyGuard {
    fn greet(&self, service: &str, method: &str, headers: &HeaderMap) -> BoxFuture<Result<(), Status>> {
        if needs(service, method) == Needs::Nothing {
            return Box::pin(std::future::ready(Ok(())));
        }
        let (door, headers) = (self.door.clone(), credentials(headers));
        Box::pin(async move { door.identify(&headers).await.map(drop).map_err(|error| refused(&error)) })
    }

    fn admit(
        &self,
        service: &str,
        method: &str,
        headers: &HeaderMap,
        request: &Bytes,
    ) -> BoxFuture<Result<Leave, Status>> {
        let needed = needs(service, method);
        if needed == Needs::Nothing {
            return Box::pin(std::future::ready(Ok(Leave::default())));
        }
        let (door, endpoints) = (self.door.clone(), self.endpoints.clone());
        let (service, method) = (service.to_owned(), method.to_owned());
        let (headers, request) = (credentials(headers), request.clone());
        Box::pin(async move {
            let (key, hash) = match door.identify(&headers).await.map_err(|error| refused(&error))? {
                Identity::Anonymous => return Ok(Leave::default()),
                Identity::Key(key, hash) => (key, hash),
            };
            if let Needs::Role(role) = needed {
                let reached = reached(&service, &method, &request)?;
                reached.places.iter().try_for_each(|place| allow(&key, &method, place, place.at_least.max(role)))?;
                endpoints.allow(&key, &reached.own, &reached.endpoints).await?;
            }
            Ok(Leave { ends: Some(ended(door, hash, key.id.clone())) })
        })
    }
}

/// The one header that says who calls.
fn credentials(headers: &HeaderMap) -> HeaderMap {
    headers.get(AUTHORIZATION).map(|value| (AUTHORIZATION, value.clone())).into_iter().collect()
}

fn ended(door: Arc<Door>, hash: String, id: String) -> BoxFuture<Status> {
    Box::pin(async move {
        door.keys.ended(hash).await;
        Status::unauthenticated(format!("the API key {id} was revoked"))
    })
}

fn refused(error: &Error) -> Status {
    match error {
        Error::Refused { code: Code::Unauthenticated, message } => Status::unauthenticated(message),
        Error::Refused { code: Code::TooMuch, message } => Status::resource_exhausted(message),
        error => Status::internal(error.to_string()),
    }
}

/// What a request reaches: namespaces, and endpoints that lead to others.
#[derive(Debug, PartialEq)]
struct Reached {
    /// The namespace that it names as its own.
    own: String,
    places: Vec<Place>,
    /// By name.
    endpoints: Vec<String>,
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

impl Reached {
    fn of(own: String) -> Self {
        Self { places: vec![Place::of(own.clone())], own, endpoints: Vec::new() }
    }

    /// A namespace that what runs in the own one reaches into; empty for the own one.
    fn add(&mut self, other: &str) {
        if !other.is_empty() && self.places.iter().all(|place| place.namespace != other) {
            self.places.push(Place { namespace: other.to_owned(), at_least: Role::Operator });
        }
    }
}

/// The one method of the server's own service that reads histories.
const IMPORT: &str = ostro_service::METHODS[0];

fn reached(service: &str, method: &str, request: &Bytes) -> Result<Reached, Status> {
    let Namespaces::One(namespace) = namespaces(service, method, request)? else {
        return Ok(Reached::of(String::new()));
    };
    Ok(match method {
        "RespondWorkflowTaskCompleted" => commanded(namespace, &decode(method, request)?),
        IMPORT if service == ostro_service::SERVICE => reached_by_import(namespace, &decode(method, request)?),
        "StartNexusOperationExecution" => {
            let request: StartNexusOperationExecutionRequest = decode(method, request)?;
            Reached { endpoints: vec![request.endpoint], ..Reached::of(namespace) }
        }
        "DescribeNamespace" => {
            let request: DescribeNamespaceRequest = decode(method, request)?;
            Reached::of(if request.id.is_empty() { namespace } else { String::new() })
        }
        _ => Reached::of(namespace),
    })
}

fn decode<M: Message + Default>(method: &str, request: &Bytes) -> Result<M, Status> {
    M::decode(request.clone()).map_err(|_| Status::invalid_argument(format!("the request of {method} does not decode")))
}

/// A workflow may start, signal and cancel in other namespaces, and call operations there: its worker must be allowed to as
/// well.
#[allow(deprecated, reason = "what is deprecated may still be sent, and the engine still does it")]
fn commanded(own: String, request: &RespondWorkflowTaskCompletedRequest) -> Reached {
    let mut reached = Reached::of(own);
    for command in &request.commands {
        let other = match &command.attributes {
            Some(Attributes::StartChildWorkflowExecutionCommandAttributes(start)) => &start.namespace,
            Some(Attributes::SignalExternalWorkflowExecutionCommandAttributes(signal)) => &signal.namespace,
            Some(Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(cancel)) => &cancel.namespace,
            Some(Attributes::ScheduleNexusOperationCommandAttributes(operation)) => {
                reached.endpoints.push(operation.endpoint.clone());
                continue;
            }
            _ => continue,
        };
        reached.add(other);
    }
    reached
}

/// An imported run goes on here: its parent is told, its children are started or end with it, what it was about to signal is
/// signaled, in whatever namespace its history names.
fn reached_by_import(own: String, request: &ImportWorkflowExecutionRequest) -> Reached {
    use history_event::Attributes as Event;
    let mut reached = Reached::of(own);
    for event in request.history.iter().flat_map(|history| &history.events) {
        let other = match &event.attributes {
            Some(Event::WorkflowExecutionStartedEventAttributes(a)) => &a.parent_workflow_namespace,
            Some(Event::StartChildWorkflowExecutionInitiatedEventAttributes(a)) => &a.namespace,
            Some(Event::ChildWorkflowExecutionStartedEventAttributes(a)) => &a.namespace,
            Some(Event::SignalExternalWorkflowExecutionInitiatedEventAttributes(a)) => &a.namespace,
            Some(Event::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(a)) => &a.namespace,
            Some(Event::NexusOperationScheduledEventAttributes(a)) => {
                reached.endpoints.push(a.endpoint.clone());
                continue;
            }
            _ => continue,
        };
        reached.add(other);
    }
    reached
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
