use super::*;
use prost_wkt_types::Timestamp;
use serde_json::json;
use temporalio_protos::temporal::api::common::v1::{ActivityType, Memo, WorkflowType};
use temporalio_protos::temporal::api::failure::v1::Failure as WireFailure;

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn answer() -> DescribeWorkflowExecutionResponse {
    let info = WorkflowExecutionInfo {
        execution: Some(WorkflowExecution { workflow_id: "order-1".into(), run_id: "r1".into() }),
        r#type: Some(WorkflowType { name: "Order".into() }),
        status: 1,
        start_time: at(100),
        execution_time: at(100),
        history_length: 5,
        history_size_bytes: 700,
        task_queue: "shop".into(),
        memo: Some(Memo { fields: payload::fields(&[("note".into(), json!("gift"))]) }),
        ..Default::default()
    };
    let activity = PendingActivityInfo {
        activity_id: "5".into(),
        activity_type: Some(ActivityType { name: "charge".into() }),
        state: PendingActivityState::Scheduled.into(),
        attempt: 3,
        maximum_attempts: 10,
        next_attempt_schedule_time: at(130),
        last_failure: Some(WireFailure { message: "card declined".into(), ..Default::default() }),
        last_worker_identity: "7@host".into(),
        ..Default::default()
    };
    let child = PendingChildExecutionInfo {
        workflow_id: "ship-1".into(),
        run_id: "r2".into(),
        workflow_type_name: "Ship".into(),
        ..Default::default()
    };
    DescribeWorkflowExecutionResponse {
        workflow_execution_info: Some(info),
        pending_activities: vec![activity],
        pending_children: vec![child],
        ..Default::default()
    }
}

fn waiting(now: SystemTime) -> Vec<Reason> {
    let outstanding = ostro_explain::Outstanding::default();
    let evidence = ostro_explain::Evidence { described: &answer(), outstanding: &outstanding, queues: &[], now };
    ostro_explain::reasons(&evidence)
}

#[test]
fn an_execution_that_waits_for_an_activity_and_a_child() {
    let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(120);
    let expected = "\
Workflow id  order-1
Run id       r1
Type         Order
Status       Running
Task queue   shop
History      5 events, 700 bytes
Started      1970-01-01 00:01:40Z (20s ago)

Why it waits
  Waiting for activity `charge`: attempt 3 of 10, next try in 10s, last error `card declined`.
  Waiting for child workflow `ship-1` (Ship).

Memo
  note  \"gift\"

Pending activities
  charge (id 5)
    State         Scheduled
    Attempt       3 of 10
    Next retry    1970-01-01 00:02:10Z (in 10s)
    Last worker   7@host
    Last failure  card declined

Pending children
  WORKFLOW ID  TYPE  RUN ID
  ship-1       Ship  r2
";
    assert_eq!(text(&answer(), &waiting(now), now), expected);
}
