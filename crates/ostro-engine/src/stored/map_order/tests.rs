//! The same message encodes as the same bytes, wherever in it maps are.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use ostro_nesting::{Next, Shape};
use temporalio_protos::temporal::api::{
    common::v1::{Callback, Header, Memo, Payload, Payloads, SearchAttributes, callback},
    failure::v1::{ApplicationFailureInfo, Failure, failure::FailureInfo},
    history::v1::*,
    nexus::v1::{Endpoint, EndpointSpec},
    schedule::v1::{Schedule, ScheduleAction, schedule_action::Action},
    sdk::v1::UserMetadata,
    taskqueue::v1::TaskQueueConfig,
    update::v1::{Input, Outcome, Request, outcome},
    workflow::v1::{CallbackInfo, NewWorkflowExecutionInfo},
    workflowservice::v1::{StartBatchOperationRequest, start_batch_operation_request},
};

use super::*;
use crate::base::nesting::Nested;
use crate::stored::batch::Batch;
use crate::stored::deployment::{DeploymentState, VersionState};
use crate::stored::execution::*;
use crate::stored::schedule::Record;

/// Entries of each map: so many come in order by chance once in five thousand times, and [`keeps`] tries five times.
const ENTRIES: u8 = 7;

fn names() -> impl Iterator<Item = String> {
    // One of them without a name, which is left out of its entry.
    (0..ENTRIES).map(|number| "name".repeat(number.into()))
}

fn payload() -> Option<Payload> {
    Some(Payload { metadata: names().map(|name| (name, b"value".to_vec())).collect(), ..Default::default() })
}

fn payloads() -> Option<Payloads> {
    Some(Payloads { payloads: payload().into_iter().chain(payload()).collect() })
}

fn by_name() -> HashMap<String, Payload> {
    // One of them with a map of its own, the others without a value, which is left out too.
    names().zip(payload().into_iter().chain(std::iter::repeat(Payload::default()))).collect()
}

fn memo() -> Option<Memo> {
    Some(Memo { fields: by_name() })
}

fn attributes() -> Option<SearchAttributes> {
    Some(SearchAttributes { indexed_fields: by_name() })
}

fn header() -> Option<Header> {
    Some(Header { fields: by_name() })
}

fn texts() -> HashMap<String, String> {
    names().map(|name| (name.clone(), name)).collect()
}

/// Deep in its cause.
fn failure() -> Option<Failure> {
    let info = ApplicationFailureInfo { details: payloads(), ..Default::default() };
    let cause = Failure { failure_info: Some(FailureInfo::ApplicationFailureInfo(info)), ..Default::default() };
    Some(Failure { cause: Some(Box::new(cause)), ..Default::default() })
}

fn user_metadata() -> Option<UserMetadata> {
    Some(UserMetadata { summary: payload(), details: None })
}

fn request() -> Option<Request> {
    let input = Input { header: header(), args: payloads(), ..Default::default() };
    Some(Request { input: Some(input), ..Default::default() })
}

#[track_caller]
fn keeps<M: Ordered + Default + PartialEq + Debug>(made: impl Fn() -> M) {
    let first = made().encode_in_order();
    for _ in 0..5 {
        assert_eq!(made().encode_in_order(), first);
    }
    assert_eq!(M::decode(&first[..]).expect("it is whole"), made());
    assert!((0..5).any(|_| made().encode_to_vec() != first), "its maps are in order by themselves");
}

fn event(attributes: impl Into<history_event::Attributes>) -> HistoryEvent {
    HistoryEvent { event_id: 7, attributes: Some(attributes.into()), ..Default::default() }
}

#[test]
fn maps_of_the_protocol() {
    keeps(|| memo().unwrap_or_default());
    keeps(|| attributes().unwrap_or_default());
    keeps(|| HistoryEvent { user_metadata: user_metadata(), ..Default::default() });
    keeps(|| event(MarkerRecordedEventAttributes { details: names().zip(payloads()).collect(), ..Default::default() }));
    keeps(|| event(MarkerRecordedEventAttributes { failure: failure(), ..Default::default() }));
    keeps(|| event(WorkflowExecutionStartedEventAttributes { header: header(), memo: memo(), ..Default::default() }));
    keeps(|| event(NexusOperationScheduledEventAttributes { nexus_header: texts(), ..Default::default() }));
    keeps(|| event(ActivityTaskCompletedEventAttributes { result: payloads(), ..Default::default() }));
    keeps(|| {
        event(WorkflowExecutionUpdateAcceptedEventAttributes { accepted_request: request(), ..Default::default() })
    });
    keeps(|| Endpoint {
        spec: Some(EndpointSpec { description: payload(), ..Default::default() }),
        ..Default::default()
    });
    keeps(|| TaskQueueConfig {
        fairness_weight_overrides: names().zip([0.5, 2.0, 0.25].into_iter().cycle()).collect(),
        ..Default::default()
    });
}

#[test]
fn maps_in_what_the_engine_knows_of_an_execution() {
    keeps(|| Core { user_metadata: user_metadata(), ..Default::default() });
    keeps(|| Core { workflow_task_failure: failure(), ..Default::default() });
    let standalone = |standalone| Core { standalone: Some(Box::new(standalone)), ..Default::default() };
    keeps(|| standalone(Standalone { result: payloads(), ..Default::default() }));
    keeps(|| standalone(Standalone { failure: failure(), ..Default::default() }));
    keeps(|| standalone(Standalone { ended: Some(activity()), ..Default::default() }));
    let ended = Some(operation());
    let operation = Some(StandaloneNexusOperation { ended, ..Default::default() });
    keeps(|| standalone(Standalone { operation: operation.clone().map(anew), ..Default::default() }));
    keeps(|| Properties { memo: memo(), ..Default::default() });
    keeps(|| Properties { search_attributes: attributes(), ..Default::default() });
    let started = || WorkflowExecutionStartedEventAttributes { input: payloads(), ..Default::default() };
    keeps(|| Start { event: Some(started()), ..Default::default() });
}

/// With its maps built again.
fn anew<M: Message + Default>(message: M) -> M {
    M::decode(&message.encode_to_vec()[..]).expect("it was encoded just now")
}

fn activity() -> Activity {
    let scheduled = ActivityTaskScheduledEventAttributes { header: header(), ..Default::default() };
    Activity { scheduled: Some(scheduled), ..Default::default() }
}

fn operation() -> NexusOperation {
    let scheduled = NexusOperationScheduledEventAttributes { nexus_header: texts(), ..Default::default() };
    NexusOperation { scheduled: Some(scheduled), ..Default::default() }
}

#[test]
fn maps_in_parts_of_an_execution() {
    keeps(activity);
    keeps(|| Activity { heartbeat_details: payloads(), ..Default::default() });
    keeps(|| Activity { last_failure: failure(), ..Default::default() });
    let initiated = || StartChildWorkflowExecutionInitiatedEventAttributes { memo: memo(), ..Default::default() };
    keeps(|| Child { initiated: Some(initiated()), ..Default::default() });
    keeps(|| Child { user_metadata: user_metadata(), ..Default::default() });
    let initiated =
        || SignalExternalWorkflowExecutionInitiatedEventAttributes { header: header(), ..Default::default() };
    keeps(|| SignalExternal { initiated: Some(initiated()), ..Default::default() });
    let outcome = || Outcome { value: payloads().map(outcome::Value::Success) };
    keeps(|| AcceptedUpdate { outcome: Some(outcome()), ..Default::default() });
    keeps(|| AcceptedUpdate { request: request(), ..Default::default() });
    keeps(|| AdmittedUpdate { request: request(), ..Default::default() });
    keeps(operation);
    let failed = || NexusRequest { last_attempt_failure: failure(), ..Default::default() };
    keeps(|| NexusOperation { start: Some(failed()), ..Default::default() });
    let cancel = || NexusCancel { request: Some(failed()), ..Default::default() };
    keeps(|| NexusOperation { cancel: Some(cancel()), ..Default::default() });
    let nexus = || callback::Nexus { header: texts(), ..Default::default() };
    let callback = || Callback { variant: Some(callback::Variant::Nexus(nexus())), ..Default::default() };
    let info = || CallbackInfo { callback: Some(callback()), ..Default::default() };
    keeps(|| CallbackState { info: Some(info()), ..Default::default() });
}

#[test]
fn maps_in_records() {
    let workflow = || NewWorkflowExecutionInfo { memo: memo(), ..Default::default() };
    let action = || ScheduleAction { action: Some(Action::StartWorkflow(workflow())) };
    keeps(|| Record {
        schedule: Some(Schedule { action: Some(action()), ..Default::default() }),
        ..Default::default()
    });
    keeps(|| Record { memo: memo(), ..Default::default() });
    keeps(|| Record { search_attributes: attributes(), ..Default::default() });
    keeps(|| Record { last_completion_result: payloads(), ..Default::default() });
    keeps(|| Record { continued_failure: failure(), ..Default::default() });
    let version = || VersionState { metadata: names().zip(payload()).collect(), ..Default::default() };
    keeps(|| DeploymentState { versions: BTreeMap::from([("build".to_owned(), version())]), ..Default::default() });
    let signal =
        || temporalio_protos::temporal::api::batch::v1::BatchOperationSignal { header: header(), ..Default::default() };
    let operation = || start_batch_operation_request::Operation::SignalOperation(signal());
    let request = || StartBatchOperationRequest { operation: Some(operation()), ..Default::default() };
    keeps(|| Batch { request: Some(request()), ..Default::default() });
}

#[test]
fn a_single_entry_and_no_map_stay_as_they_are() {
    let one = Memo { fields: HashMap::from([("name".to_owned(), Payload::default())]) };
    assert_eq!(one.encode_in_order(), one.encode_to_vec());
    let timer = event(TimerStartedEventAttributes { timer_id: "timer".into(), ..Default::default() });
    assert_eq!(timer.encode_in_order(), timer.encode_to_vec());
}

/// Whether a failure is in a message, however deep: a failure has maps, so the tables of maps know.
fn has_failure(maps: &'static Maps, passed: &mut Vec<*const Maps>) -> bool {
    if std::ptr::eq(maps, &raw const protocol::FAILURE_V1_FAILURE) {
        return true;
    }
    if passed.contains(&std::ptr::from_ref(maps)) {
        return false;
    }
    passed.push(maps);
    maps.fields.iter().any(|(_, Field::Message(inner) | Field::Map(inner))| has_failure(inner, passed))
}

/// Where failures are in the engine's own messages is said twice: here beside the maps, and in `nesting`.
fn same_places(what: &str, maps: &'static Maps, shape: &Shape) {
    if std::ptr::eq(maps, &raw const protocol::FAILURE_V1_FAILURE) {
        return;
    }
    let mut expected = Vec::new();
    for (number, Field::Message(inner) | Field::Map(inner)) in maps.fields {
        if has_failure(inner, &mut Vec::new()) {
            expected.push(*number);
            let next = shape.fields.iter().find(|(of, _)| of == number).map(|(_, next)| next);
            let Some(Next::Message(next)) = next else { panic!("{what} has a failure in field {number}") };
            same_places(what, inner, next);
        }
    }
    let known: Vec<u32> = shape.fields.iter().map(|(number, _)| *number).collect();
    assert_eq!(known, expected, "{what}");
}

#[test]
fn failures_in_the_engines_own_messages_are_known() {
    macro_rules! nested {
        ($($message:ty),+) => { $(same_places(stringify!($message), <$message>::MAPS, <$message as Nested>::SHAPE);)+ };
    }
    macro_rules! without {
        ($($message:ty),+) => { $(assert!(!has_failure(<$message>::MAPS, &mut Vec::new()), stringify!($message));)+ };
    }
    nested!(Core, Start, Activity, Standalone, StandaloneNexusOperation, AcceptedUpdate, CallbackState);
    nested!(NexusOperation, NexusCancel, NexusRequest, Record);
    without!(Properties, Child, SignalExternal, AdmittedUpdate, DeploymentState, VersionState, Batch);
}
