//! A server with one execution of each kind, which never changes.

use std::collections::HashMap;

use ostro_wire::{Answer, CallContext, OperatorService, WorkflowService};
use prost_wkt_types::{Duration, Timestamp};
use temporalio_protos::temporal::api::common::v1::{
    ActivityType, Memo, Payload, Payloads, SearchAttributes, WorkflowExecution, WorkflowType,
};
use temporalio_protos::temporal::api::enums::v1::{EventType, PendingActivityState, WorkflowExecutionStatus};
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_protos::temporal::api::failure::v1::{ApplicationFailureInfo, Failure};
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::history::v1::*;
use temporalio_protos::temporal::api::operatorservice::v1::{
    ListSearchAttributesRequest, ListSearchAttributesResponse,
};
use temporalio_protos::temporal::api::taskqueue::v1::{PollerInfo, TaskQueue};
use temporalio_protos::temporal::api::workflow::v1::{
    PendingActivityInfo, WorkflowExecutionConfig, WorkflowExecutionInfo,
};
use temporalio_protos::temporal::api::workflowservice::v1::count_workflow_executions_response::AggregationGroup;
use temporalio_protos::temporal::api::workflowservice::v1::*;

/// When the executions began, in seconds since 1970.
pub const BEGAN: i64 = 1_700_000_000;

pub struct Fixed;

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: BEGAN + seconds, nanos: 250_000_000 })
}

fn json(text: &str) -> Payload {
    let metadata = HashMap::from([("encoding".to_owned(), b"json/plain".to_vec())]);
    Payload { metadata, data: text.as_bytes().to_vec(), ..Default::default() }
}

fn payloads(text: &str) -> Option<Payloads> {
    Some(Payloads { payloads: vec![json(text)] })
}

fn failure() -> Failure {
    let info = ApplicationFailureInfo { r#type: "CardError".into(), ..Default::default() };
    Failure {
        message: "card <b>declined</b>\u{202e}".into(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(info)),
        ..Default::default()
    }
}

fn info() -> WorkflowExecutionInfo {
    WorkflowExecutionInfo {
        execution: Some(WorkflowExecution { workflow_id: "order-1".into(), run_id: "run-1".into() }),
        r#type: Some(WorkflowType { name: "Order".into() }),
        start_time: at(0),
        status: WorkflowExecutionStatus::Running.into(),
        history_length: 9,
        history_size_bytes: 2_345,
        task_queue: "shop".into(),
        memo: Some(Memo { fields: HashMap::from([("note".to_owned(), json("\"<i>gift</i>\""))]) }),
        search_attributes: Some(SearchAttributes {
            indexed_fields: HashMap::from([("Customer".to_owned(), json("\"acme & sons\""))]),
        }),
        ..Default::default()
    }
}

fn event(event_id: i64, seconds: i64, kind: EventType, attributes: impl Into<Attributes>) -> HistoryEvent {
    HistoryEvent {
        event_id,
        event_time: at(seconds),
        event_type: kind.into(),
        attributes: Some(attributes.into()),
        ..Default::default()
    }
}

fn queue() -> Option<TaskQueue> {
    Some(TaskQueue { name: "shop".into(), ..Default::default() })
}

fn events() -> Vec<HistoryEvent> {
    let started = WorkflowExecutionStartedEventAttributes {
        workflow_type: Some(WorkflowType { name: "Order".into() }),
        task_queue: queue(),
        input: payloads("{\"amount\":30}"),
        attempt: 1,
        ..Default::default()
    };
    let task = |scheduled| WorkflowTaskStartedEventAttributes { scheduled_event_id: scheduled, ..Default::default() };
    let charge = ActivityTaskScheduledEventAttributes {
        activity_id: "5".into(),
        activity_type: Some(ActivityType { name: "charge".into() }),
        task_queue: queue(),
        input: payloads("30"),
        ..Default::default()
    };
    let timer = TimerStartedEventAttributes {
        timer_id: "6".into(),
        start_to_fire_timeout: Some(Duration { seconds: 90, nanos: 0 }),
        ..Default::default()
    };
    let fired = TimerFiredEventAttributes { timer_id: "6".into(), started_event_id: 6 };
    let signal = WorkflowExecutionSignaledEventAttributes {
        signal_name: "approve".into(),
        input: payloads("\"<script>alert(1)</script>\""),
        ..Default::default()
    };
    vec![
        event(1, 0, EventType::WorkflowExecutionStarted, started),
        event(2, 0, EventType::WorkflowTaskScheduled, WorkflowTaskScheduledEventAttributes::default()),
        event(3, 1, EventType::WorkflowTaskStarted, task(2)),
        event(4, 2, EventType::WorkflowTaskCompleted, WorkflowTaskCompletedEventAttributes::default()),
        event(5, 2, EventType::ActivityTaskScheduled, charge),
        event(6, 2, EventType::TimerStarted, timer),
        event(7, 60, EventType::WorkflowExecutionSignaled, signal),
        event(8, 92, EventType::TimerFired, fired),
    ]
}

fn described() -> DescribeWorkflowExecutionResponse {
    let activity = PendingActivityInfo {
        activity_id: "5".into(),
        activity_type: Some(ActivityType { name: "charge".into() }),
        state: PendingActivityState::Scheduled.into(),
        attempt: 4,
        maximum_attempts: 5,
        scheduled_time: at(2),
        last_started_time: at(80),
        last_attempt_complete_time: at(81),
        next_attempt_schedule_time: at(200),
        last_failure: Some(failure()),
        last_worker_identity: "7@host".into(),
        ..Default::default()
    };
    DescribeWorkflowExecutionResponse {
        execution_config: Some(WorkflowExecutionConfig { task_queue: queue(), ..Default::default() }),
        workflow_execution_info: Some(info()),
        pending_activities: vec![activity],
        ..Default::default()
    }
}

#[async_trait::async_trait]
impl WorkflowService for Fixed {
    async fn list_workflow_executions(
        &self,
        _: &CallContext,
        _: ListWorkflowExecutionsRequest,
    ) -> Answer<ListWorkflowExecutionsResponse> {
        Ok(ListWorkflowExecutionsResponse { executions: vec![info()], ..Default::default() }.into())
    }

    async fn count_workflow_executions(
        &self,
        _: &CallContext,
        _: CountWorkflowExecutionsRequest,
    ) -> Answer<CountWorkflowExecutionsResponse> {
        let group = |status: &str, count| AggregationGroup { group_values: vec![json(&format!("{status:?}"))], count };
        let groups = vec![group("Failed", 1), group("Running", 1_234)];
        Ok(CountWorkflowExecutionsResponse { count: 1_235, groups }.into())
    }

    async fn describe_workflow_execution(
        &self,
        _: &CallContext,
        _: DescribeWorkflowExecutionRequest,
    ) -> Answer<DescribeWorkflowExecutionResponse> {
        Ok(described().into())
    }

    async fn get_workflow_execution_history(
        &self,
        _: &CallContext,
        request: GetWorkflowExecutionHistoryRequest,
    ) -> Answer<GetWorkflowExecutionHistoryResponse> {
        let wants_end = request.history_event_filter_type == 2;
        let events = if wants_end { Vec::new() } else { events() };
        Ok(GetWorkflowExecutionHistoryResponse { history: Some(History { events }), ..Default::default() }.into())
    }

    async fn describe_task_queue(
        &self,
        _: &CallContext,
        _: DescribeTaskQueueRequest,
    ) -> Answer<DescribeTaskQueueResponse> {
        let poller = PollerInfo { identity: "7@host".into(), last_access_time: at(118), ..Default::default() };
        Ok(DescribeTaskQueueResponse { pollers: vec![poller], ..Default::default() }.into())
    }
}

#[async_trait::async_trait]
impl OperatorService for Fixed {
    async fn list_search_attributes(
        &self,
        _: &CallContext,
        _: ListSearchAttributesRequest,
    ) -> Answer<ListSearchAttributesResponse> {
        let custom_attributes = HashMap::from([("Customer".to_owned(), 2), ("Priority".to_owned(), 3)]);
        Ok(ListSearchAttributesResponse { custom_attributes, ..Default::default() }.into())
    }
}
