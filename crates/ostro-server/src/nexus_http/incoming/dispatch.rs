//! Operations that a caller outside starts or cancels, and a worker here handles:
//! `POST .../{service}/{operation}` and `POST .../{service}/{operation}/cancel`.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use ostro_engine::error::ErrorKind;
use ostro_engine::nexus::incoming::AskNexusWorker;
use ostro_engine::nexus::links::unescape;
use ostro_wire::network;
use ostro_wire::{Guard, KEY_PREFIX, Leave, bearer, workflow_service};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::Payload;
use temporalio_protos::temporal::api::enums::v1::NexusHandlerErrorRetryBehavior as Retry;
use temporalio_protos::temporal::api::nexus::v1::endpoint_target::{Variant, Worker};
use temporalio_protos::temporal::api::operatorservice::v1::GetNexusEndpointRequest;
use temporalio_protos::temporal::api::workflowservice::v1::StartNexusOperationExecutionRequest;
use tonic::{Code, Status};

use super::super::content;
use super::asked::{Asked, set_input, takes_new_failures, within};
use super::{INTERNAL, Incoming, NOT_FOUND, Refusal, answer};

/// Parts of the path before the place of the services, each with the one in which its target is named.
const ENDPOINT_PARTS: usize = 5;
const QUEUE_PARTS: usize = 6;

/// Whose workers are asked.
struct Target {
    /// Empty where the caller named the queue itself.
    endpoint: String,
    namespace: String,
    task_queue: String,
}

pub(super) async fn by_endpoint(incoming: State<Incoming>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    let target = match unescape(parts[ENDPOINT_PARTS - 2]) {
        Some(id) => incoming.target(id).await,
        None => Err(invalid_url()),
    };
    incoming.answer(target, &parts[ENDPOINT_PARTS..], request).await
}

pub(super) async fn by_queue(incoming: State<Incoming>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    let target = match (unescape(parts[QUEUE_PARTS - 4]), unescape(parts[QUEUE_PARTS - 2])) {
        (Some(namespace), Some(task_queue)) => Ok(Target { endpoint: String::new(), namespace, task_queue }),
        _ => Err(invalid_url()),
    };
    incoming.answer(target, &parts[QUEUE_PARTS..], request).await
}

fn invalid_url() -> Refusal {
    Refusal::bad("invalid URL")
}

/// In the place of a namespace: all of them.
const EVERY_NAMESPACE: &str = "*";
/// A method that needs no more than a key.
const ANY_KEY: &str = "GetSystemInfo";

async fn admit_in(guard: &dyn Guard, headers: &HeaderMap, method: &str, namespace: &str) -> Result<Leave, Status> {
    // The namespace has the same field in all of them that have one.
    let place = StartNexusOperationExecutionRequest { namespace: namespace.to_owned(), ..Default::default() };
    guard.admit(workflow_service::SERVICE, method, headers, &place.encode_to_vec().into()).await
}

fn refusal(status: &Status) -> Refusal {
    let kind = match status.code() {
        Code::Unauthenticated => "UNAUTHENTICATED",
        Code::PermissionDenied => "UNAUTHORIZED",
        _ => INTERNAL,
    };
    Refusal::of(kind, status.message())
}

/// A key of this server is none of a handler's business; another credential may be for it.
fn key_is_ours(headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|secret| secret.starts_with(KEY_PREFIX))
}

impl Incoming {
    /// Whose workers serve the endpoint. One whose handler is at a URL of its own is called there, not through here.
    async fn target(&self, id: String) -> Result<Target, Refusal> {
        let found = self.engine.call(GetNexusEndpointRequest { id }).await.map_err(|error| match error.kind {
            ErrorKind::NotFound | ErrorKind::InvalidArgument => {
                Refusal { retry: Retry::NonRetryable, ..Refusal::of(NOT_FOUND, "nexus endpoint not found") }
            }
            _ => Refusal::from(error),
        })?;
        let spec = found.endpoint.and_then(|endpoint| endpoint.spec).unwrap_or_default();
        match spec.target.and_then(|target| target.variant) {
            Some(Variant::Worker(Worker { namespace, task_queue })) => {
                Ok(Target { endpoint: spec.name, namespace, task_queue })
            }
            _ => Err(Refusal::bad("invalid endpoint target")),
        }
    }

    async fn answer(&self, target: Result<Target, Refusal>, rest: &[&str], request: Request) -> Response {
        match target {
            Ok(target) => self.ask(target, rest, request).await.unwrap_or_else(Refusal::into_response),
            Err(refusal) => refusal.into_response(),
        }
    }

    async fn ask(&self, target: Target, rest: &[&str], request: Request) -> Result<Response, Refusal> {
        let headers = request.headers().clone();
        let asked = Asked::read(request.method(), rest, request.uri(), &headers)?;
        let starts = matches!(asked, Asked::Start { .. });
        let mut asking = asked.request(&headers, &target.endpoint, key_is_ours(&headers))?;
        let within = within(&headers)?;
        let leave = self.admit(&headers, &target, starts).await?;
        if let Some(Err(refusal)) = self.throttle.as_ref().map(|throttle| throttle.admit(&target.namespace)) {
            return Err(Refusal::of("RESOURCE_EXHAUSTED", refusal.message()));
        }
        if starts {
            set_input(&mut asking, self.input(request, &headers).await?);
        }
        let (namespace, task_queue) = (target.namespace.clone(), target.task_queue);
        let call = AskNexusWorker { namespace, task_queue, request: asking, within };
        let asked = async { Ok(self.engine.call(call).await) };
        let answered =
            leave.during(asked).await.map_err(|status| refusal(&status))?.map_err(|error| match error.kind {
                ErrorKind::NotFound => Refusal::of(NOT_FOUND, format!("namespace not found: {:?}", target.namespace)),
                _ => Refusal::from(error),
            })?;
        Ok(answer::response(answered, starts, takes_new_failures(&headers)))
    }

    /// A call by HTTP needs what the same call of the gRPC interface needs, in the namespace that it reaches or in one that
    /// may call through the endpoint.
    async fn admit(&self, headers: &HeaderMap, target: &Target, starts: bool) -> Result<Leave, Refusal> {
        let Some(guard) = &self.guard else { return Ok(Leave::default()) };
        let method = if starts { "StartNexusOperationExecution" } else { "RequestCancelNexusOperationExecution" };
        let callers = self.callers.get(&target.endpoint).map(Vec::as_slice).unwrap_or_default();
        let refused = match admit_in(guard.as_ref(), headers, method, &target.namespace).await {
            Ok(leave) => return Ok(leave),
            Err(status) => status,
        };
        for caller in callers {
            let method = if caller == EVERY_NAMESPACE { ANY_KEY } else { method };
            if let Ok(leave) = admit_in(guard.as_ref(), headers, method, caller).await {
                return Ok(leave);
            }
        }
        Err(refusal(&refused))
    }

    async fn input(&self, request: Request, headers: &HeaderMap) -> Result<Payload, Refusal> {
        let invalid = || Refusal::bad("invalid input");
        let body = Bytes::from_request(request, &()).await.map_err(|rejection| match network::refusal(&rejection) {
            Some(status) if status.code() == Code::ResourceExhausted => {
                Refusal::of("RESOURCE_EXHAUSTED", status.message())
            }
            _ => invalid(),
        })?;
        let input = content::payload(headers, &body).map_err(|_| invalid())?;
        if input.encoded_len() > self.payload_bytes_max {
            return Err(Refusal::bad("input exceeds size limit"));
        }
        Ok(input)
    }
}
