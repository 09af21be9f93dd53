//! Batches: their states, their limits, and that they survive a restart.

use temporalio_protos::temporal::api::{
    batch::v1::BatchOperationTermination,
    enums::v1::{BatchOperationState as State, BatchOperationType},
    workflowservice::v1::{
        ListBatchOperationsRequest, StartBatchOperationRequest, StopBatchOperationRequest,
        start_batch_operation_request::Operation,
    },
};

use super::*;
use crate::base::error::ErrorKind;
use crate::base::time::{DAY, SECOND};
use crate::namespace::Namespace;

fn namespace() -> Namespace {
    Namespace { id: 1, retention: DAY, ..Default::default() }
}

fn request(job_id: &str) -> StartBatchOperationRequest {
    let operation = BatchOperationTermination { identity: "me".into(), ..Default::default() };
    StartBatchOperationRequest {
        job_id: job_id.into(),
        reason: "why".into(),
        visibility_query: "WorkflowType = 'w'".into(),
        operation: Some(Operation::TerminationOperation(operation)),
        ..Default::default()
    }
}

fn finished(job_id: &str, well: bool) -> Progress {
    Progress { namespace: 1, job_id: job_id.into(), finished: Some(well), ..Default::default() }
}

#[test]
fn one_runs_at_a_time_and_a_job_id_is_used_once() {
    let mut batches = Batches::default();
    batches.start(request("a"), &namespace(), SECOND.since_epoch()).unwrap();
    assert_eq!(
        batches.start(request("b"), &namespace(), SECOND.since_epoch()).unwrap_err().kind,
        ErrorKind::ResourceExhausted
    );
    batches.progress(finished("a", true), (2 * SECOND).since_epoch());
    assert_eq!(
        batches.start(request("a"), &namespace(), SECOND.since_epoch()).unwrap_err().kind,
        ErrorKind::AlreadyExists
    );
    batches.start(request("b"), &namespace(), (3 * SECOND).since_epoch()).unwrap();
    let listed = batches.list(&ListBatchOperationsRequest::default(), 1).unwrap().operation_info;
    assert_eq!(listed.iter().map(|info| info.job_id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    let much_later = 3 * DAY;
    batches.progress(finished("b", true), (4 * SECOND).since_epoch());
    let (_, writes) = batches.start(request("a"), &namespace(), much_later.since_epoch()).unwrap();
    assert_eq!(writes.len(), 3, "the two old ones leave when a new one comes");
}

#[test]
fn progress_adds_up_and_survives_a_restart() {
    let mut batches = Batches::default();
    let (_, mut writes) = batches.start(request("a"), &namespace(), SECOND.since_epoch()).unwrap();
    let step = Progress { succeeded: 2, failed: 1, total: Some(5), cursor: vec![7], ..finished("a", true) };
    let (running, more) = batches.progress(Progress { finished: None, ..step }, SECOND.since_epoch());
    assert!(running);
    writes.extend(more);
    let Some(Write::PutRecord { kind, key, value }) = writes.pop() else { panic!("progress is written") };
    let batches = Batches::restore([&StoredRecord { kind, key, value }]).0;
    assert_eq!(batches.running()[0].cursor, [7]);
    let described = batches.describe(1, "a").unwrap();
    assert_eq!((described.total_operation_count, described.complete_operation_count), (5, 2));
    assert_eq!(described.failure_operation_count, 1);
    let terminate = BatchOperationType::TerminateWorkflow;
    assert_eq!((described.operation_type(), described.identity.as_str()), (terminate, "me"));
}

#[test]
fn a_stopped_batch_goes_no_further() {
    let mut batches = Batches::default();
    let stop = StopBatchOperationRequest { job_id: "a".into(), ..Default::default() };
    assert_eq!(batches.stop(&stop, 1, SECOND.since_epoch()).unwrap_err().kind, ErrorKind::NotFound);
    batches.start(request("a"), &namespace(), SECOND.since_epoch()).unwrap();
    batches.stop(&stop, 1, SECOND.since_epoch()).unwrap();
    assert_eq!(batches.describe(1, "a").unwrap().state(), State::Failed);
    assert!(!batches.progress(finished("a", true), SECOND.since_epoch()).0);
    assert_eq!(batches.describe(1, "a").unwrap().state(), State::Failed);
    assert_eq!(batches.stop(&stop, 1, SECOND.since_epoch()).unwrap_err().kind, ErrorKind::NotFound);
}
