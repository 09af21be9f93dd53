//! A server and short ways to call it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ostro_engine::time::{Span, Time};
use ostro_server::clock::{Clock, SystemClock};
use ostro_server::{Config, Server};
use ostro_wire::{CallContext, WorkflowService};
use tempfile::TempDir;
use temporalio_protos::temporal::api::command::v1::Command;
use temporalio_protos::temporal::api::common::v1::{WorkflowExecution, WorkflowType};
use temporalio_protos::temporal::api::enums::v1::CommandType;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

/// A running server and the directory it lives in.
pub struct Fixture {
    pub server: Server,
    pub workflow: Arc<dyn WorkflowService>,
    directory: TempDir,
}

/// The system's clock, moved forward by hand.
#[derive(Default)]
pub struct Moved {
    system: SystemClock,
    by: AtomicI64,
}

impl Moved {
    pub fn forward(&self, by: i64) {
        self.by.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clock for Moved {
    fn now(&self) -> Time {
        self.system.now() + Span::from_nanos(self.by.load(Ordering::Relaxed))
    }
}

pub fn config(directory: &TempDir) -> Config {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        listen: Some(any),
        http_listen: Some(any),
        data: directory.path().to_owned(),
        durable: false,
        retention_interval: Span::from_nanos(20_000_000),
        ..Config::default()
    }
}

impl Fixture {
    pub async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    pub async fn start_in(directory: TempDir) -> Self {
        Self::start_with(directory, Arc::new(SystemClock::default())).await
    }

    pub async fn start_with(directory: TempDir, clock: Arc<dyn Clock>) -> Self {
        let server = Server::start_with_clock(config(&directory), clock).await.unwrap();
        Self::of(server, directory)
    }

    pub fn of(server: Server, directory: TempDir) -> Self {
        let workflow = server.services().workflow().clone();
        Self { server, workflow, directory }
    }

    /// Stops the server; its data stays as long as the directory.
    pub async fn stop(self) -> TempDir {
        self.server.shutdown().await;
        self.directory
    }

    /// Stops the server and starts another on the same data.
    pub async fn restart(self) -> Self {
        self.server.shutdown().await;
        Self::start_in(self.directory).await
    }

    pub async fn start_workflow(&self, id: &str) -> String {
        let request = start_request(id);
        let started = self.workflow.start_workflow_execution(&CallContext::in_process(), request).await.unwrap();
        started.into_message().unwrap().run_id
    }

    pub async fn poll(&self, queue: &str) -> service::PollWorkflowTaskQueueResponse {
        let request = poll_request(queue);
        let poll = self.workflow.poll_workflow_task_queue(&CallContext::in_process(), request).await.unwrap();
        poll.into_message().unwrap()
    }

    pub async fn signal(&self, id: &str) {
        let request = service::SignalWorkflowExecutionRequest {
            namespace: "default".into(),
            workflow_execution: run(id),
            signal_name: "signal".into(),
            ..Default::default()
        };
        self.workflow.signal_workflow_execution(&CallContext::in_process(), request).await.unwrap();
    }

    pub async fn complete(&self, task_token: Vec<u8>, command_type: Option<CommandType>) {
        let commands = command_type.into_iter().map(|kind| Command { command_type: kind.into(), ..complete_command() });
        let request = service::RespondWorkflowTaskCompletedRequest {
            namespace: "default".into(),
            task_token,
            commands: commands.collect(),
            ..Default::default()
        };
        self.workflow.respond_workflow_task_completed(&CallContext::in_process(), request).await.unwrap();
    }

    pub async fn history(&self, request: service::GetWorkflowExecutionHistoryRequest) -> (Vec<HistoryEvent>, Vec<u8>) {
        let page = self.workflow.get_workflow_execution_history(&CallContext::in_process(), request).await.unwrap();
        let page = page.into_message().unwrap();
        (page.history.expect("a page always has a history").events, page.next_page_token)
    }

    /// The body of a page of the HTTP listener.
    pub async fn http(&self, path: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut socket = tokio::net::TcpStream::connect(self.server.http_address().unwrap()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn complete_command() -> Command {
    use temporalio_protos::temporal::api::command::v1::{
        CompleteWorkflowExecutionCommandAttributes, command::Attributes,
    };
    let attributes = CompleteWorkflowExecutionCommandAttributes::default();
    Command {
        attributes: Some(Attributes::CompleteWorkflowExecutionCommandAttributes(attributes)),
        ..Default::default()
    }
}

pub fn start_request(id: &str) -> service::StartWorkflowExecutionRequest {
    service::StartWorkflowExecutionRequest {
        namespace: "default".into(),
        workflow_id: id.into(),
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: queue("queue"),
        ..Default::default()
    }
}

pub fn poll_request(name: &str) -> service::PollWorkflowTaskQueueRequest {
    service::PollWorkflowTaskQueueRequest { namespace: "default".into(), task_queue: queue(name), ..Default::default() }
}

pub fn history_request(id: &str) -> service::GetWorkflowExecutionHistoryRequest {
    service::GetWorkflowExecutionHistoryRequest {
        namespace: "default".into(),
        execution: run(id),
        ..Default::default()
    }
}

pub fn run(id: &str) -> Option<WorkflowExecution> {
    Some(WorkflowExecution { workflow_id: id.into(), run_id: String::new() })
}

fn queue(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue { name: name.into(), ..Default::default() })
}

pub fn ids(events: &[HistoryEvent]) -> Vec<i64> {
    events.iter().map(|event| event.event_id).collect()
}
