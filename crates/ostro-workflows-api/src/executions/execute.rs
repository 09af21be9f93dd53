//! The start of an execution.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use temporalio_protos::temporal::api::common::v1::{Header, Memo, Payloads, WorkflowType};
use temporalio_protos::temporal::api::enums::v1::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use uuid::Uuid;

use super::register::{ExecutionRecord, execution_change};
use crate::api::Api;
use crate::auth::Caller;
use crate::clock;
use crate::error::{Code, Error, Result};
use crate::payload::{self, Context, Input};
use crate::records::Kind;
use crate::registry::Registration;

/// Names us in histories.
pub(super) const IDENTITY: &str = "ostro-workflows-api";
/// A workflow id's bytes, at most; a Temporal server's limit is 1000.
const ID_BYTES_MAX: usize = 1000;

/// What to start.
pub(super) struct Start<'a> {
    pub registration: &'a Registration,
    pub execution_id: Option<String>,
    pub input: Input,
    pub extensions: Option<Map<String, Value>>,
    pub tracing_attributes: Option<BTreeMap<String, String>>,
    pub traceparent: Option<String>,
}

/// What was started.
pub(super) struct Started {
    pub execution_id: String,
    pub run_id: String,
}

/// Starts an execution. 409 when one with this id runs.
pub(super) async fn start(api: &Api, caller: &Caller, start: Start<'_>) -> Result<Started> {
    let execution_id = start.execution_id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    if execution_id.is_empty() || execution_id.len() > ID_BYTES_MAX {
        let message = format!("give 1 to {ID_BYTES_MAX} bytes");
        return Err(Error::at(&["body", "execution_id"], message, "value_error"));
    }
    remember_user(api, caller, &start, &execution_id).await?;
    let request = request(caller, &start, &execution_id)?;
    let answer =
        api.engine.ask(&request).await.map_err(|status| {
            Error::of_engine(&status, &format!("execution {execution_id}"), Code::ExecutionNotFound)
        })?;
    Ok(Started { execution_id, run_id: answer.run_id })
}

fn request(caller: &Caller, start: &Start<'_>, execution_id: &str) -> Result<StartWorkflowExecutionRequest> {
    let registration = start.registration;
    let token = Uuid::new_v4().to_string();
    let context = Context {
        namespace: &caller.namespace,
        execution_id,
        execution_token: Some(&token),
        extensions: start.extensions.as_ref(),
        on_behalf_of: registration.definition.on_behalf_of.then_some(true),
    };
    let timeout = registration.definition.execution_timeout.map(|seconds| {
        clock::proto_seconds(seconds)
            .ok_or_else(|| Error::new(Code::EngineRefused, "the execution timeout is too long"))
    });
    Ok(StartWorkflowExecutionRequest {
        namespace: caller.namespace.clone(),
        workflow_id: execution_id.to_owned(),
        workflow_type: Some(WorkflowType { name: registration.workflow_name.clone() }),
        task_queue: Some(TaskQueue { name: registration.task_queue.clone(), ..Default::default() }),
        input: Some(Payloads { payloads: vec![payload::encode(&start.input, &context)] }),
        workflow_execution_timeout: timeout.transpose()?,
        identity: IDENTITY.to_owned(),
        request_id: Uuid::new_v4().to_string(),
        workflow_id_reuse_policy: WorkflowIdReusePolicy::AllowDuplicate.into(),
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::Fail.into(),
        header: start.traceparent.as_ref().map(|traceparent| Header {
            fields: [("_tracer-data".to_owned(), payload::plain(&json!({"traceparent": traceparent})))].into(),
        }),
        memo: start.tracing_attributes.as_ref().map(|attributes| Memo {
            fields: [("custom_tracing_attributes".to_owned(), payload::plain(&json!(attributes)))].into(),
        }),
        ..Default::default()
    })
}

/// Notes who started it, before it can run: the worker's registration then finds the note.
async fn remember_user(api: &Api, caller: &Caller, start: &Start<'_>, execution_id: &str) -> Result<()> {
    if caller.subject.is_empty() {
        return Ok(());
    }
    let _writing = api.writing.lock().await;
    let known: Option<ExecutionRecord> = api.record(Kind::Execution, &caller.namespace, execution_id).await?;
    if known.is_some() {
        return Ok(());
    }
    let record = ExecutionRecord {
        workflow_name: start.registration.workflow_name.clone(),
        task_queue: start.registration.task_queue.clone(),
        root: None,
        parent: None,
        user_id: Some(caller.subject.clone()),
        search_keys: BTreeMap::new(),
        run_id: None,
        registered_at: Some(clock::Moment::now()),
    };
    api.records.commit(vec![execution_change(&caller.namespace, execution_id, &record)?]).await?;
    Ok(())
}
