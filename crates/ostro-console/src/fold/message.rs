//! What comes from outside, and what the workflow's code notes: signals, updates, markers.

use std::time::SystemTime;

use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::update::v1::outcome;

use super::{Kind, Outcome, PartKind, Row, Timeline};

/// Markers by which SDKs note local activities.
const LOCAL_ACTIVITIES: [&str; 2] = ["core_local_activity", "LocalActivity"];

/// Takes an event of a message or a marker; false for one of anything else.
pub(super) fn push(timeline: &mut Timeline, event: i64, time: SystemTime, attributes: &Attributes) -> bool {
    use Attributes::*;
    match attributes {
        WorkflowExecutionSignaledEventAttributes(a) => {
            let mut row = moment(event, Kind::Signal, &a.signal_name, time);
            row.payloads("Input", a.input.as_ref());
            row.detail("From", &a.identity);
            timeline.begin(row);
        }
        WorkflowExecutionUpdateAcceptedEventAttributes(a) => {
            let input = a.accepted_request.as_ref().and_then(|request| request.input.as_ref());
            let name = input.map_or("", |input| &input.name);
            let id = &a.protocol_instance_id;
            let mut row = Row::new(event, Kind::Update, name, id, PartKind::Running, time);
            row.detail("Update id", id);
            row.payloads("Input", input.and_then(|input| input.args.as_ref()));
            timeline.begin(row);
        }
        WorkflowExecutionUpdateCompletedEventAttributes(a) => {
            let Some(row) = timeline.of_event(a.accepted_event_id) else { return true };
            match a.outcome.as_ref().and_then(|outcome| outcome.value.as_ref()) {
                Some(outcome::Value::Failure(failure)) => {
                    row.fault(Some(failure));
                    row.close(time, Outcome::Failed);
                }
                Some(outcome::Value::Success(result)) => {
                    row.payloads("Result", Some(result));
                    row.close(time, Outcome::Done);
                }
                None => row.close(time, Outcome::Done),
            }
        }
        MarkerRecordedEventAttributes(a) => {
            let local = LOCAL_ACTIVITIES.contains(&a.marker_name.as_str());
            let name = if local { local_name(a.details.get("type")) } else { String::new() };
            let name = if name.is_empty() { a.marker_name.clone() } else { name };
            let mut row = moment(event, if local { Kind::LocalActivity } else { Kind::Marker }, &name, time);
            row.payloads("Data", a.details.get("data"));
            row.payloads("Result", a.details.get("result"));
            if let Some(failure) = &a.failure {
                row.fault(Some(failure));
                row.outcome = Outcome::Failed;
            }
            timeline.begin(row);
        }
        _ => return false,
    }
    true
}

fn moment(event: i64, kind: Kind, name: &str, time: SystemTime) -> Row {
    let mut row = Row::new(event, kind, name, "", PartKind::Point, time);
    row.close(time, Outcome::Done);
    row
}

/// The type of a local activity where its marker has it as text.
fn local_name(details: Option<&temporalio_protos::temporal::api::common::v1::Payloads>) -> String {
    let payload = details.and_then(|details| details.payloads.first());
    let name = payload.and_then(crate::payload::to_json);
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
