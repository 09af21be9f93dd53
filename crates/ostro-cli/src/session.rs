//! A command's connection: one server, one namespace, one deadline.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use ostro_explain::Reason;
use ostro_explain::gather::{self, WorkflowCalls};
use ostro_wire::{BoxFuture, Client, operator_service, ostro_service, workflow_service};
use prost::Message;
use temporalio_protos::temporal::api::workflowservice::v1::DescribeWorkflowExecutionResponse;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Code, Status};

use crate::arguments::ConnectionArguments;
use crate::failure::{Attempt, Failure};
use crate::output::Format;

/// Patience for one call when `--timeout` does not say.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Patience for one long poll; servers answer them, empty, before a minute is over.
const POLL_TIMEOUT: Duration = Duration::from_secs(70);

/// What a client command works with.
pub struct Session {
    /// The namespace of `--namespace`.
    pub namespace: String,
    /// How to print.
    pub format: Format,
    /// Who asks, as histories record it.
    pub identity: String,
    client: Client,
    deadline: Option<Instant>,
}

impl Session {
    /// Prepares a connection; it is made by the first call. Needs a tokio runtime.
    pub fn new(arguments: ConnectionArguments) -> Result<Self, Failure> {
        let invalid = |message: String| Failure::new("invalid_argument", message);
        let target = arguments.security.target(&arguments.address).map_err(invalid)?;
        let client =
            Client::connect_lazy(target).map_err(|status| invalid(format!("--address: {}", status.message())))?;
        Ok(Self {
            client,
            identity: identity(),
            format: if arguments.json { Format::Json } else { Format::Text },
            deadline: arguments.timeout.map(|timeout| Instant::now() + timeout),
            namespace: arguments.namespace,
        })
    }

    /// Calls a method of `WorkflowService` that answers soon.
    pub async fn workflow<Req, Resp>(&self, method: &str, request: &Req) -> Result<Resp, Failure>
    where
        Req: Message,
        Resp: Message + Default,
    {
        self.call(workflow_service::SERVICE, method, request).await
    }

    /// Calls a method of `OperatorService`.
    pub async fn operator<Req, Resp>(&self, method: &str, request: &Req) -> Result<Resp, Failure>
    where
        Req: Message,
        Resp: Message + Default,
    {
        self.call(operator_service::SERVICE, method, request).await
    }

    /// Calls a method of `OstroService`, which only Ostro has.
    pub async fn ostro<Req, Resp>(&self, method: &str, request: &Req) -> Result<Resp, Failure>
    where
        Req: Message,
        Resp: Message + Default,
    {
        self.call(ostro_service::SERVICE, method, request).await
    }

    /// Calls a method of `WorkflowService` that waits for something to happen, again and again until it answers or
    /// `--timeout` is over.
    pub async fn poll<Req, Resp>(&self, method: &str, request: &Req) -> Result<Resp, Failure>
    where
        Req: Message,
        Resp: Message + Default,
    {
        loop {
            let patience = self.patience(POLL_TIMEOUT);
            match self.once(workflow_service::SERVICE, method, request, patience).await {
                Err(status) if status.code() == Code::DeadlineExceeded && !self.is_over() => {}
                answer => return answer.map_err(|status| self.failure(method, &status)),
            }
        }
    }

    /// Why a described execution waits.
    pub async fn explain(
        &self,
        described: &DescribeWorkflowExecutionResponse,
        now: SystemTime,
    ) -> Result<Vec<Reason>, Failure> {
        let explained = gather::explain(self, &self.namespace, described, now).await;
        explained.map_err(|status| self.failure("DescribeWorkflowExecution", &status))
    }

    async fn call<Req, Resp>(&self, service: &str, method: &str, request: &Req) -> Result<Resp, Failure>
    where
        Req: Message,
        Resp: Message + Default,
    {
        let patience = self.patience(if self.deadline.is_some() { Duration::MAX } else { CALL_TIMEOUT });
        self.once(service, method, request, patience).await.map_err(|status| self.failure(method, &status))
    }

    async fn once<Req, Resp>(
        &self,
        service: &str,
        method: &str,
        request: &Req,
        patience: Duration,
    ) -> Result<Resp, Status>
    where
        Req: Message,
        Resp: Message + Default,
    {
        self.client.call(service, method, request, metadata(), Some(patience)).await
    }

    fn patience(&self, longest: Duration) -> Duration {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.map_or(longest, |left| left.min(longest))
    }

    fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    fn failure(&self, method: &str, status: &Status) -> Failure {
        let attempt = Attempt { address: self.client.address(), namespace: &self.namespace, method };
        Failure::of_call(attempt, status)
    }
}

impl WorkflowCalls for Session {
    fn call(&self, method: &'static str, request: Bytes) -> BoxFuture<Result<Bytes, Status>> {
        let client = self.client.clone();
        let patience = self.patience(if self.deadline.is_some() { Duration::MAX } else { CALL_TIMEOUT });
        Box::pin(async move {
            client.call_raw(workflow_service::SERVICE, method, request, metadata(), Some(patience)).await
        })
    }
}

fn metadata() -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("client-name", AsciiMetadataValue::from_static("ostro-cli"));
    metadata.insert("client-version", AsciiMetadataValue::from_static(env!("CARGO_PKG_VERSION")));
    metadata
}

/// `ostro-cli:<process>@<host>`.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::env::var("HOSTNAME"));
    format!("ostro-cli:{}@{}", std::process::id(), host.as_deref().unwrap_or("unknown").trim())
}
