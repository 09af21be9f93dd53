//! Takes what is to be sent from the engine, sends it, and says how it went.
//!
//! A process that dies in between loses nothing: the engine sees the attempt time out and makes another.

use std::sync::Arc;
use std::time::Duration;

use ostro_engine::error::ErrorKind;
use ostro_engine::nexus::outgoing::{
    CallbackAnswered, NotDelivered, OperationNotDelivered, OutgoingRequest, TakeOutgoing,
};
use ostro_engine::time::{MILLISECOND, Span};
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::nexus::v1::{self as nexus, Response, request::Variant};
use temporalio_protos::temporal::api::workflowservice::v1::{
    PollNexusTaskQueueResponse, RespondNexusTaskCompletedRequest, RespondNexusTaskFailedRequest,
};
use tokio::sync::{OnceCell, Semaphore};

use super::client::{Client, Outgoing, retryable};
use super::response::Fault;
use super::{delivery, operation};
use crate::shell::EngineHandle;

/// Requests under way at a time; more wait in the engine.
const REQUESTS_MAX: usize = 256;

/// Where handlers outside call this server back.
#[derive(Debug, Clone)]
pub(crate) struct CallbackUrl {
    /// Of the HTTP interface; `None` where there is none.
    pub base: Option<String>,
}

impl CallbackUrl {
    /// The URL for the end of an operation that was called from this namespace.
    pub(super) fn of(&self, namespace: &str) -> Result<String, String> {
        let base = self.base.as_deref().ok_or(
            "handlers outside could not call this server back: give it an HTTP interface (http_listen), or say where it is \
             reached (public_url)",
        )?;
        let invalid = |error: &dyn std::fmt::Display| format!("public_url = {base:?} is no URL: {error}");
        let mut url = url::Url::parse(base).map_err(|error| invalid(&error))?;
        let mut path = url.path_segments_mut().map_err(|()| invalid(&"it has no path"))?;
        path.pop_if_empty().extend(["namespaces", namespace, "nexus", "callback"]);
        drop(path);
        Ok(url.into())
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Sender {
    engine: EngineHandle,
    callback: CallbackUrl,
    /// How long an attempt to deliver a callback may take.
    callback_timeout: Span,
    payload_bytes_max: usize,
    /// Made with the first request: it reads the system's certificates.
    client: Arc<OnceCell<Client>>,
}

impl Sender {
    pub(crate) fn new(engine: EngineHandle, callback: CallbackUrl, limits: &ostro_engine::config::Config) -> Self {
        let (callback_timeout, payload_bytes_max) = (limits.nexus_request_timeout, limits.blob_bytes_max);
        Self { engine, callback, callback_timeout, payload_bytes_max, client: Arc::default() }
    }

    /// Runs for ever: end it by dropping the future.
    pub(crate) async fn run(self) {
        let permits = Arc::new(Semaphore::new(REQUESTS_MAX));
        let mut requests = tokio::task::JoinSet::new();
        loop {
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            while requests.try_join_next().is_some() {}
            match self.engine.call(TakeOutgoing).await {
                Ok(Some(request)) => {
                    let sender = self.clone();
                    requests.spawn(async move {
                        sender.send(request).await;
                        drop(permit);
                    });
                }
                // The server ends.
                Ok(None) | Err(_) => return,
            }
        }
    }

    async fn client(&self) -> &Client {
        let make = || async {
            let bytes = self.payload_bytes_max;
            let made = tokio::task::spawn_blocking(move || Client::new(bytes)).await;
            made.unwrap_or_else(|_| Client::new(bytes))
        };
        self.client.get_or_init(make).await
    }

    async fn send(&self, request: OutgoingRequest) {
        let told = match request {
            OutgoingRequest::Operation { url, namespace, task } => self.call_handler(&url, &namespace, task).await,
            OutgoingRequest::Callback { attempt, url, header, completion } => {
                let outcome = match delivery::request(&url, &header, &completion) {
                    Err(error) => Err(retryable(error)),
                    Ok(request) => self.deliver(request).await,
                };
                if let Err(error) = &outcome {
                    tracing::info!(url, error = error.message, "a callback was not delivered");
                }
                self.engine.call(CallbackAnswered { attempt, outcome }).await
            }
        };
        match told {
            // The attempt was given up meanwhile: there is another, or the end.
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, "the outcome of a Nexus request was not taken: it will be sent again"),
            Ok(()) => {}
        }
    }

    async fn deliver(&self, request: Outgoing) -> Result<(), NotDelivered> {
        let within = Duration::from_millis(u64::try_from(self.callback_timeout / MILLISECOND).unwrap_or(0));
        let response = self.client().await.send(request, within).await?;
        response.delivered().map_err(NotDelivered::from)
    }

    async fn call_handler(
        &self,
        url: &str,
        namespace: &str,
        task: PollNexusTaskQueueResponse,
    ) -> ostro_engine::error::Result<()> {
        let PollNexusTaskQueueResponse { task_token, request, .. } = task;
        let request = request.unwrap_or_default();
        match self.ask_handler(url, namespace, &request).await {
            Ok(variant) => {
                let response = Some(Response { variant: Some(variant) });
                let namespace = namespace.to_owned();
                let answer = RespondNexusTaskCompletedRequest { namespace, task_token, response, ..Default::default() };
                self.engine.call(answer).await.map(drop)
            }
            Err(Unanswered::Handler(failure)) => {
                let (namespace, failure) = (namespace.to_owned(), Some(*failure));
                let answer = RespondNexusTaskFailedRequest { namespace, task_token, failure, ..Default::default() };
                self.engine.call(answer).await.map(drop)
            }
            Err(Unanswered::NotDelivered(error)) => {
                tracing::info!(url, error = error.message, "a Nexus request was not answered");
                self.engine.call(OperationNotDelivered { task_token, error }).await
            }
        }
    }

    async fn ask_handler(
        &self,
        url: &str,
        namespace: &str,
        request: &nexus::Request,
    ) -> Result<nexus::response::Variant, Unanswered> {
        let sent = operation::request(url, namespace, &self.callback, request).map_err(retryable)?;
        let response = self.client().await.send(sent, operation::time_out(request)).await?;
        let answer = match request.variant {
            Some(Variant::CancelOperation(_)) => response.cancelled(),
            _ => response.started(),
        };
        Ok(answer?)
    }
}

/// Why a request brought no answer.
enum Unanswered {
    Handler(Box<Failure>),
    NotDelivered(NotDelivered),
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Handler(failure) => Self::Handler(failure),
            Fault::Unexpected(message) => Self::NotDelivered(retryable(message)),
        }
    }
}

impl From<NotDelivered> for Unanswered {
    fn from(error: NotDelivered) -> Self {
        Self::NotDelivered(error)
    }
}
