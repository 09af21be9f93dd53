//! Resetting a run to a point of its history: a new run goes on from there.

use temporalio_protos::temporal::api::enums::v1::ResetReapplyExcludeType as Exclude;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::ResetWorkflowExecutionRequest;
use uuid::Uuid;

use super::{Action, Done, Target, Undone};
use crate::answer::Failure;
use crate::form::{Field, Form, Kind, Sent};
use crate::moment::{self, time_of};
use crate::run::read;

/// Points that a form offers at most: of a long history the last.
const POINTS_MAX: usize = 200;

/// A point to go back to.
struct Point {
    event: i64,
    clock: String,
    /// Signals and updates that came after it.
    messages: usize,
}

/// The form: which points there are, and what would be applied again after each.
pub(super) async fn form(target: &Target<'_>) -> Result<Form, Failure> {
    let points = points(target).await?;
    let text = |point: &Point| {
        let again = match point.messages {
            0 => "nothing is applied again".to_owned(),
            1 => "1 message is applied again".to_owned(),
            more => format!("{more} messages are applied again"),
        };
        (point.event.to_string(), format!("After event {} ({}): {again}", point.event, point.clock))
    };
    let options: Vec<(String, String)> = points.iter().rev().map(text).collect();
    let newest = options.first().map(|(event, _)| event.clone()).unwrap_or_default();
    Ok(Form {
        title: "Reset the workflow".to_owned(),
        explains: "A new run begins with the history up to the point that you choose, and its code goes on from there. This run \
                   is terminated if it is open. What came after the point is done again."
            .to_owned(),
        verb: Action::Reset.verb(),
        destroys: true,
        fields: vec![
            Field::new(Kind::Choice, "event", "Go back to").options(options).value(&newest).required(),
            Field::new(Kind::Line, "reason", "Reason"),
            Field::new(Kind::Check, "drop", "Do not apply signals and updates again"),
        ],
    })
}

/// Where workflow tasks were completed.
async fn points(target: &Target<'_>) -> Result<Vec<Point>, Failure> {
    let (mut points, zone): (Vec<Point>, _) = (Vec::new(), target.visitor.clock());
    read(&target.visitor.caller, target.place, |event| match &event.attributes {
        Some(Attributes::WorkflowTaskCompletedEventAttributes(_)) => {
            let time: Option<moment::Shown> = time_of(event.event_time.as_ref()).map(|time| zone.of(time));
            let clock = time.map(|time| time.clock).unwrap_or_default();
            points.push(Point { event: event.event_id, clock, messages: 0 });
        }
        Some(
            Attributes::WorkflowExecutionSignaledEventAttributes(_)
            | Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(_),
        ) => points.iter_mut().for_each(|point| point.messages += 1),
        _ => {}
    })
    .await?;
    let more = points.len().saturating_sub(POINTS_MAX);
    Ok(points.split_off(more))
}

pub(super) async fn perform(target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    let event = sent.text("event").parse().map_err(|_| Undone::unfit("Choose a point to go back to."))?;
    let exclude = [Exclude::Signal, Exclude::Update].map(i32::from);
    let request = ResetWorkflowExecutionRequest {
        namespace: target.place.namespace.clone(),
        workflow_execution: Some(target.place.execution()),
        reason: sent.text("reason").to_owned(),
        workflow_task_finish_event_id: event,
        request_id: Uuid::new_v4().to_string(),
        reset_reapply_exclude_types: if sent.has("drop") { exclude.to_vec() } else { Vec::new() },
        identity: target.visitor.identity(),
        ..Default::default()
    };
    let answer = target.visitor.caller.ask(&request).await?;
    Ok(Done::Moved(answer.run_id))
}
