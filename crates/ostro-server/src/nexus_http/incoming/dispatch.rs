//! Operations that a caller outside starts or cancels, and a worker here handles:
//! `POST .../{service}/{operation}` and `POST .../{service}/{operation}/cancel`.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use ostro_engine::error::ErrorKind;
use ostro_engine::nexus::incoming::AskNexusWorker;
use ostro_engine::nexus::links::unescape;
use ostro_wire::workflow_service;
use prost::Message;
use temporalio_protos::temporal::api::common::v1::Payload;
use temporalio_protos::temporal::api::enums::v1::NexusHandlerErrorRetryBehavior as Retry;
use temporalio_protos::temporal::api::nexus::v1::endpoint_target::{Variant, Worker};
use temporalio_protos::temporal::api::operatorservice::v1::GetNexusEndpointRequest;
use temporalio_protos::temporal::api::workflowservice::v1::StartNexusOperationExecutionRequest;
use tonic::Code;

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
        let mut asking = asked.request(&headers, &target.endpoint, self.guard.is_some())?;
        let within = within(&headers)?;
        self.admit(&headers, &target.namespace, starts).await?;
        if starts {
            set_input(&mut asking, self.input(request, &headers).await?);
        }
        let (namespace, task_queue) = (target.namespace.clone(), target.task_queue);
        let call = AskNexusWorker { namespace, task_queue, request: asking, within };
        let answered = self.engine.call(call).await.map_err(|error| match error.kind {
            ErrorKind::NotFound => Refusal::of(NOT_FOUND, format!("namespace not found: {:?}", target.namespace)),
            _ => Refusal::from(error),
        })?;
        Ok(answer::response(answered, starts, takes_new_failures(&headers)))
    }

    /// A call by HTTP needs what the same call of the gRPC interface needs.
    async fn admit(&self, headers: &HeaderMap, namespace: &str, starts: bool) -> Result<(), Refusal> {
        let Some(guard) = &self.guard else { return Ok(()) };
        let method = if starts { "StartNexusOperationExecution" } else { "RequestCancelNexusOperationExecution" };
        // The namespace has the same field in both.
        let place = StartNexusOperationExecutionRequest { namespace: namespace.to_owned(), ..Default::default() };
        let admitted = guard.admit(workflow_service::SERVICE, method, headers, &place.encode_to_vec().into()).await;
        admitted.map_err(|status| {
            let kind = match status.code() {
                Code::Unauthenticated => "UNAUTHENTICATED",
                Code::PermissionDenied => "UNAUTHORIZED",
                _ => INTERNAL,
            };
            Refusal::of(kind, status.message())
        })
    }

    async fn input(&self, request: Request, headers: &HeaderMap) -> Result<Payload, Refusal> {
        let invalid = || Refusal::bad("invalid input");
        let body = Bytes::from_request(request, &()).await.map_err(|_| invalid())?;
        let input = content::payload(headers, &body).map_err(|_| invalid())?;
        if input.encoded_len() > self.payload_bytes_max {
            return Err(Refusal::bad("input exceeds size limit"));
        }
        Ok(input)
    }
}
