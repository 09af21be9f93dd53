//! The ends of executions that no worker tells: terminations, time-outs, continue-as-new, and the end of an execution
//! whose worker could not send its last event.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;
use uuid::Uuid;

use crate::model::error::{Error, Result};
use crate::model::event::{EventType, WorkflowEvent};
use crate::model::failure::failure_message;
use crate::model::moment::{Moment, now_nanoseconds};
use crate::model::payload;
use crate::model::record::{Change, Document, Filter, Journal, Kind};
use crate::model::registration::{Workflow, workflow_id};
use crate::service::api::Api;
use crate::service::engine::close_event;

/// Time between two looks for closed executions.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far each look goes back again: lists of a Temporal cluster lag behind.
const OVERLAP_SECONDS: i64 = 10;

const PAGE: i32 = 500;

/// Looks for closed executions for ever.
pub(crate) async fn run_closings(api: &Api) {
    let mut seen = HashMap::new();
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for namespace in namespaces(api).await {
            if let Err(error) = look(api, &namespace, &mut seen).await {
                tracing::debug!(?error, namespace, "could not look for closed executions");
            }
        }
    }
}

async fn namespaces(api: &Api) -> Vec<String> {
    api.store.namespaces(Kind::Workflow).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "could not look for namespaces");
        Vec::new()
    })
}

async fn look(api: &Api, namespace: &str, seen: &mut HashMap<String, i64>) -> Result<()> {
    let now = Moment::now().0.as_second();
    let mark: Option<i64> = api.store.get(Kind::Mark, namespace, "closings").await?;
    let from = mark.unwrap_or(now) - OVERLAP_SECONDS;
    for closed in closed_since(api, namespace, from).await? {
        let run = closed.execution.clone().unwrap_or_default();
        if seen.contains_key(&run.run_id) {
            continue;
        }
        conclude_listed(api, namespace, &closed).await?;
        seen.insert(run.run_id, now);
    }
    seen.retain(|_, at| *at >= now - 4 * OVERLAP_SECONDS);
    // Written rarely: looking at the same again is cheap, and changes nothing.
    if now - from > 2 * OVERLAP_SECONDS {
        let mark = Document {
            kind: Kind::Mark,
            namespace: namespace.to_owned(),
            key: "closings".to_owned(),
            terms: Vec::new(),
            body: now.to_string(),
        };
        api.store.write(vec![Change::Put(mark)]).await?;
    }
    Ok(())
}

async fn closed_since(api: &Api, namespace: &str, from: i64) -> Result<Vec<WorkflowExecutionInfo>> {
    let from = jiff::Timestamp::from_second(from).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let mut request = ListWorkflowExecutionsRequest {
        namespace: namespace.to_owned(),
        page_size: PAGE,
        query: format!("CloseTime >= '{from}'"),
        ..Default::default()
    };
    let mut all = Vec::new();
    loop {
        let page = api.engine.ask(&request).await.map_err(|status| {
            Error::of_engine(&status, "the list of closed executions", crate::model::error::Code::Internal)
        })?;
        all.extend(page.executions);
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        request.next_page_token = page.next_page_token;
    }
}

async fn conclude_listed(api: &Api, namespace: &str, closed: &WorkflowExecutionInfo) -> Result<()> {
    let name = closed.r#type.clone().unwrap_or_default().name;
    let id = workflow_id(namespace, &name).to_string();
    let registered: Option<Workflow> = api.store.get(Kind::Workflow, namespace, &id).await?;
    let Some(run) = closed.execution.as_ref().filter(|_| registered.is_some()) else { return Ok(()) };
    match close_event(api, namespace, run, false).await? {
        Some(event) => conclude(api, namespace, run, &event).await,
        None => Ok(()),
    }
}

/// Puts the end of a run into the journal, if it has ended. What fails here the next look makes up for.
pub(crate) async fn conclude_run(api: &Api, namespace: &str, execution: &str, run: &str) {
    let run = WorkflowExecution { workflow_id: execution.to_owned(), run_id: run.to_owned() };
    let concluded = async {
        match close_event(api, namespace, &run, false).await? {
            Some(event) => conclude(api, namespace, &run, &event).await,
            None => Ok(()),
        }
    };
    if let Err(error) = concluded.await {
        tracing::debug!(%error, execution, "could not tell the end of a run yet");
    }
}

/// Puts the end of a run into the journal, unless its worker did. The same end again changes nothing.
pub(crate) async fn conclude(api: &Api, namespace: &str, run: &WorkflowExecution, event: &HistoryEvent) -> Result<()> {
    let Some(end) = End::of(event) else { return Ok(()) };
    if end.worker_tells && is_told(api, namespace, run, end.kind).await? {
        return Ok(());
    }
    let described = crate::service::engine::describe(api, namespace, &run.workflow_id, Some(&run.run_id)).await?;
    let mut attributes = end.attributes;
    attributes.insert("task_id".to_owned(), task_id(api, namespace, run).await?);
    let event = WorkflowEvent {
        event_id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("end of {}", run.run_id).as_bytes()).to_string(),
        event_timestamp: event
            .event_time
            .as_ref()
            .and_then(Moment::of)
            .map_or_else(now_nanoseconds, Moment::nanoseconds),
        root_workflow_exec_id: described.root,
        parent_workflow_exec_id: described.parent,
        workflow_exec_id: run.workflow_id.clone(),
        workflow_run_id: run.run_id.clone(),
        workflow_name: described.workflow_name,
        continued_run_id: None,
        first_execution_run_id: described.first_run_id,
        chain_run_id: None,
        schedule_id: None,
        event_type: end.kind,
        attributes,
    };
    api.store.write(vec![event.append(namespace)?]).await?;
    Ok(())
}

/// The task by which the worker told the start of the run, so that its end belongs to it.
async fn task_id(api: &Api, namespace: &str, run: &WorkflowExecution) -> Result<Value> {
    let started = Filter {
        execution: Some(run.workflow_id.clone()),
        run: Some(run.run_id.clone()),
        kinds: vec![EventType::WorkflowExecutionStarted.name().to_owned()],
        descending: true,
        limit: 1,
        ..Filter::all(Journal::Event, namespace)
    };
    let entries = api.store.read(started).await?;
    let started = entries.first().map(crate::service::journal::parse).transpose()?;
    let task = started.and_then(|event| event.attributes.get("task_id").cloned());
    Ok(task.unwrap_or_else(|| json!(run.run_id)))
}

async fn is_told(api: &Api, namespace: &str, run: &WorkflowExecution, kind: EventType) -> Result<bool> {
    let told = Filter {
        execution: Some(run.workflow_id.clone()),
        run: Some(run.run_id.clone()),
        kinds: vec![kind.name().to_owned()],
        limit: 1,
        ..Filter::all(Journal::Event, namespace)
    };
    Ok(!api.store.read(told).await?.is_empty())
}

/// How a run ended.
struct End {
    kind: EventType,
    /// Whether the official worker tells this kind of end itself.
    worker_tells: bool,
    attributes: Map<String, Value>,
}

impl End {
    fn of(event: &HistoryEvent) -> Option<Self> {
        use Attributes::{
            WorkflowExecutionCanceledEventAttributes as Canceled,
            WorkflowExecutionCompletedEventAttributes as Completed,
            WorkflowExecutionContinuedAsNewEventAttributes as Continued,
            WorkflowExecutionFailedEventAttributes as Failed, WorkflowExecutionTerminatedEventAttributes as Terminated,
            WorkflowExecutionTimedOutEventAttributes as TimedOut,
        };
        let json = |value: Value| json!({"type": "json", "value": value});
        let (kind, worker_tells, mut attributes) = match event.attributes.as_ref()? {
            Completed(end) => {
                let result = json(payload::decode_result(end.result.as_ref()));
                (EventType::WorkflowExecutionCompleted, true, json!({"result": result}))
            }
            Failed(end) => {
                let message = end.failure.as_ref().map(failure_message).unwrap_or_default();
                (EventType::WorkflowExecutionFailed, true, json!({"failure": {"message": message}}))
            }
            Canceled(_) => (EventType::WorkflowExecutionCanceled, true, json!({"reason": null})),
            Terminated(end) => {
                let message = if end.reason.is_empty() {
                    "Workflow execution terminated".to_owned()
                } else {
                    format!("Workflow execution terminated: {}", end.reason)
                };
                (EventType::WorkflowExecutionFailed, false, json!({"failure": {"message": message}}))
            }
            TimedOut(_) => {
                let message = "Workflow execution timed out";
                (EventType::WorkflowExecutionFailed, false, json!({"failure": {"message": message}}))
            }
            Continued(end) => (
                EventType::WorkflowExecutionContinuedAsNew,
                false,
                json!({
                    "new_execution_run_id": end.new_execution_run_id,
                    "workflow_name": end.workflow_type.clone().unwrap_or_default().name,
                    "input": json(payload::decode_all(end.input.as_ref())),
                }),
            ),
            _ => return None,
        };
        let attributes = attributes.as_object_mut().map(std::mem::take)?;
        Some(Self { kind, worker_tells, attributes })
    }
}

#[cfg(test)]
mod tests {
    use temporalio_protos::temporal::api::history::v1::{
        WorkflowExecutionTerminatedEventAttributes, WorkflowExecutionTimedOutEventAttributes,
    };

    use super::*;

    #[test]
    fn a_termination_and_a_time_out_read_as_failures_with_their_reason() {
        let terminated = WorkflowExecutionTerminatedEventAttributes { reason: "enough".into(), ..Default::default() };
        let attributes = [
            Attributes::WorkflowExecutionTerminatedEventAttributes(terminated),
            Attributes::WorkflowExecutionTimedOutEventAttributes(WorkflowExecutionTimedOutEventAttributes::default()),
        ];
        let messages = attributes.map(|attributes| {
            let event = HistoryEvent { attributes: Some(attributes), ..Default::default() };
            let end = End::of(&event).expect("an end");
            assert!(!end.worker_tells);
            end.attributes["failure"]["message"].as_str().expect("a message").to_owned()
        });
        assert_eq!(messages, ["Workflow execution terminated: enough", "Workflow execution timed out"]);
    }
}
