//! The server that the official core talks to: it hands out tasks and asks what to say to anything else.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use prost::Message as _;
use temporalio_client::callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse};
use temporalio_protos::coresdk::workflow_activation::WorkflowActivation;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceResponse, GetSystemInfoResponse, PollWorkflowTaskQueueResponse, RespondQueryTaskCompletedRequest,
    RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskFailedRequest, get_system_info_response::Capabilities,
};
use tokio::sync::{Mutex, mpsc, oneshot};
use tonic::Status;

#[derive(Debug)]
pub(super) enum Said {
    Activation(Box<WorkflowActivation>),
    Completes(Box<RespondWorkflowTaskCompletedRequest>),
    AnswersQuery(Box<RespondQueryTaskCompletedRequest>),
    Fails(#[expect(dead_code, reason = "shown where it differs")] Box<RespondWorkflowTaskFailedRequest>),
}

pub(super) struct Call {
    pub said: Said,
    pub answer: oneshot::Sender<Result<Vec<u8>, Status>>,
}

pub(super) fn service(
    tasks: mpsc::UnboundedReceiver<PollWorkflowTaskQueueResponse>,
    calls: mpsc::UnboundedSender<Call>,
) -> CallbackBasedGrpcService {
    let tasks = Arc::new(Mutex::new(tasks));
    let callback = move |request: GrpcRequest| -> BoxFuture<'static, Result<GrpcSuccessResponse, Status>> {
        let (tasks, calls) = (tasks.clone(), calls.clone());
        Box::pin(async move {
            let proto = match &*request.rpc {
                "PollWorkflowTaskQueue" => match tasks.lock().await.recv().await {
                    Some(task) => task.encode_to_vec(),
                    None => std::future::pending().await,
                },
                "GetSystemInfo" => {
                    let capabilities = Some(Capabilities { sdk_metadata: true, ..Default::default() });
                    GetSystemInfoResponse { capabilities, ..Default::default() }.encode_to_vec()
                }
                "DescribeNamespace" => DescribeNamespaceResponse::default().encode_to_vec(),
                rpc => match said(rpc, &request.proto)? {
                    Some(said) => ask(&calls, said).await?,
                    None => Vec::new(),
                },
            };
            Ok(GrpcSuccessResponse { headers: Default::default(), proto })
        })
    };
    CallbackBasedGrpcService { callback: Arc::new(callback) }
}

fn said(rpc: &str, proto: &[u8]) -> Result<Option<Said>, Status> {
    let wrong = |error: prost::DecodeError| Status::internal(error.to_string());
    Ok(Some(match rpc {
        "RespondWorkflowTaskCompleted" => {
            Said::Completes(Box::new(RespondWorkflowTaskCompletedRequest::decode(proto).map_err(wrong)?))
        }
        "RespondWorkflowTaskFailed" => {
            Said::Fails(Box::new(RespondWorkflowTaskFailedRequest::decode(proto).map_err(wrong)?))
        }
        "RespondQueryTaskCompleted" => {
            Said::AnswersQuery(Box::new(RespondQueryTaskCompletedRequest::decode(proto).map_err(wrong)?))
        }
        _ => return Ok(None),
    }))
}

async fn ask(calls: &mpsc::UnboundedSender<Call>, said: Said) -> Result<Vec<u8>, Status> {
    let (answer, answered) = oneshot::channel();
    calls.send(Call { said, answer }).map_err(|_| Status::cancelled("nobody listens"))?;
    answered.await.map_err(|_| Status::cancelled("nobody answers"))?
}
