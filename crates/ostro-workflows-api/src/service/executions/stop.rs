//! Cancel and terminate, one execution or many.

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1::{
    RequestCancelWorkflowExecutionRequest, TerminateWorkflowExecutionRequest,
};
use uuid::Uuid;

use crate::model::error::{Code, Error, Result};
use crate::service::api::Api;
use crate::service::executions::start::IDENTITY;

const REASON: &str = "Requested over the Workflows API";

/// The two ways to stop.
#[derive(Clone, Copy)]
pub(crate) enum Stop {
    Cancel,
    Terminate,
}

pub(crate) async fn stop(api: &Api, namespace: &str, id: &str, how: Stop) -> Result<()> {
    let execution = Some(WorkflowExecution { workflow_id: id.to_owned(), run_id: String::new() });
    let namespace = namespace.to_owned();
    let answer = match how {
        Stop::Cancel => {
            let request = RequestCancelWorkflowExecutionRequest {
                namespace,
                workflow_execution: execution,
                identity: IDENTITY.to_owned(),
                request_id: Uuid::new_v4().to_string(),
                reason: REASON.to_owned(),
                ..Default::default()
            };
            api.engine.ask(&request).await.map(drop)
        }
        Stop::Terminate => {
            let request = TerminateWorkflowExecutionRequest {
                namespace,
                workflow_execution: execution,
                identity: IDENTITY.to_owned(),
                reason: REASON.to_owned(),
                ..Default::default()
            };
            api.engine.ask(&request).await.map(drop)
        }
    };
    answer.map_err(|status| Error::of_engine(&status, &format!("execution {id}"), Code::ExecutionNotFound))
}
