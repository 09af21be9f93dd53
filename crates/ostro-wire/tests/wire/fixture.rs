//! A server with a small workflow service on a free port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use ostro_wire::{Answer, Call, CallContext, Client, Network, Observer, Reply, Services, Tls, WorkflowService};
use prost::Message;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_protos::temporal::api::workflowservice::v1::*;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

/// The header that names a call's namespace; as the id of a namespace it asks the toy for that header.
pub const HEADER: &str = "temporal-namespace";

/// Echoes, splices, waits for ever: one method for each thing that the shell must carry.
#[derive(Default)]
pub struct Toy {
    pub poll_began: Notify,
    pub poll_dropped: Arc<Notify>,
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[async_trait::async_trait]
impl WorkflowService for Toy {
    async fn describe_namespace(
        &self,
        context: &CallContext,
        request: DescribeNamespaceRequest,
    ) -> Answer<DescribeNamespaceResponse> {
        assert!(request.namespace.is_empty() || context.header("client-name").is_some() || !context.from_network);
        let name = match request.id.as_str() {
            HEADER => context.header(HEADER).unwrap_or_default(),
            _ => &request.namespace,
        };
        let response = DescribeNamespaceResponse { failover_version: name.len() as i64, ..Default::default() };
        Ok(response.into())
    }

    async fn get_workflow_execution_history(
        &self,
        _context: &CallContext,
        _request: GetWorkflowExecutionHistoryRequest,
    ) -> Answer<GetWorkflowExecutionHistoryResponse> {
        let mut spliced = Vec::new();
        for event_id in 1..=2 {
            let event = HistoryEvent { event_id, ..Default::default() };
            let history = Some(History { events: vec![event] });
            let page = GetWorkflowExecutionHistoryResponse { history, ..Default::default() };
            spliced.extend(page.encode_to_vec());
        }
        Ok(Reply::Encoded(spliced.into()))
    }

    async fn poll_workflow_task_queue(
        &self,
        _context: &CallContext,
        _request: PollWorkflowTaskQueueRequest,
    ) -> Answer<PollWorkflowTaskQueueResponse> {
        let _guard = NotifyOnDrop(Arc::clone(&self.poll_dropped));
        self.poll_began.notify_one();
        std::future::pending().await
    }
}

/// Hands every finished call to the test.
pub struct Calls(mpsc::UnboundedSender<Call>);

impl Observer for Calls {
    fn observe(&self, call: &Call) {
        let _ = self.0.send(call.clone());
    }
}

pub fn observer() -> (Arc<Calls>, Mutex<mpsc::UnboundedReceiver<Call>>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Arc::new(Calls(sender)), Mutex::new(receiver))
}

pub async fn serve(services: Services) -> SocketAddr {
    serve_with(None, services).await
}

pub async fn serve_with(tls: Option<Tls>, services: Services) -> SocketAddr {
    serve_on(Network::default(), tls, services).await
}

pub async fn serve_on(network: Network, tls: Option<Tls>, services: Services) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener");
    tokio::spawn(ostro_wire::serve(listener, tls, services, network, std::future::pending()));
    address
}

pub async fn client(services: Services) -> Client {
    let address = serve(services).await;
    Client::connect(address.to_string().as_str()).await.expect("the server answers")
}
