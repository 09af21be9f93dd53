//! A command's connection: one server, one namespace, one deadline.

use std::time::{Duration, Instant, SystemTime};

use ostro_explain::{Reason, gather};
use ostro_wire::{Caller, Client, Rpc};
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
};
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
    address: String,
    caller: Caller,
    deadline: Option<Instant>,
}

impl Session {
    /// Prepares a connection; it is made by the first call. Needs a tokio runtime.
    pub fn new(arguments: ConnectionArguments) -> Result<Self, Failure> {
        let invalid = |message: String| Failure::new("invalid_argument", message);
        let target = arguments.security.target(&arguments.address).map_err(invalid)?;
        let client =
            Client::connect_lazy(target).map_err(|status| invalid(format!("--address: {}", status.message())))?;
        let caller = Caller::new(client.with_name("ostro-cli", env!("CARGO_PKG_VERSION")));
        let deadline = arguments.timeout.map(|timeout| Instant::now() + timeout);
        Ok(Self {
            address: arguments.address,
            caller: match deadline {
                Some(deadline) => caller.with_deadline(deadline),
                None => caller.with_timeout(CALL_TIMEOUT),
            },
            identity: identity(),
            format: if arguments.json { Format::Json } else { Format::Text },
            deadline,
            namespace: arguments.namespace,
        })
    }

    /// Asks for what the server answers soon.
    pub async fn ask<R: Rpc>(&self, request: &R) -> Result<R::Answer, Failure> {
        self.caller.ask(request).await.map_err(|status| self.failure(R::METHOD, &status))
    }

    /// Asks for what happens some time, again and again until it has or `--timeout` is over.
    pub async fn poll<R: Rpc>(&self, request: &R) -> Result<R::Answer, Failure> {
        loop {
            match self.caller.ask_within(request, POLL_TIMEOUT).await {
                Err(status) if status.code() == Code::DeadlineExceeded && !self.is_over() => {}
                answer => return answer.map_err(|status| self.failure(R::METHOD, &status)),
            }
        }
    }

    /// Why a described execution waits.
    pub async fn explain(
        &self,
        described: &DescribeWorkflowExecutionResponse,
        now: SystemTime,
    ) -> Result<Vec<Reason>, Failure> {
        let explained = gather::explain(&self.caller, &self.namespace, described, now).await;
        explained.map_err(|status| self.failure(DescribeWorkflowExecutionRequest::METHOD, &status))
    }

    fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    fn failure(&self, method: &str, status: &Status) -> Failure {
        let attempt = Attempt { address: &self.address, namespace: &self.namespace, method };
        Failure::of_call(attempt, status)
    }
}

/// `ostro-cli:<process>@<host>`.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::env::var("HOSTNAME"));
    format!("ostro-cli:{}@{}", std::process::id(), host.as_deref().unwrap_or("unknown").trim())
}
