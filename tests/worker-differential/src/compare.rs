//! What a worker did, and whether two did the same.

use temporalio_protos::coresdk::activity_result::activity_resolution::Status;
use temporalio_protos::coresdk::workflow_activation::{WorkflowActivation, workflow_activation_job::Variant};
use temporalio_protos::temporal::api::{
    command::v1::{Command, command::Attributes},
    workflowservice::v1::{
        PollWorkflowTaskQueueResponse, RespondQueryTaskCompletedRequest, RespondWorkflowTaskCompletedRequest,
        RespondWorkflowTaskFailedRequest,
    },
};

use crate::author::Verdict;

/// What passed between a worker and its surroundings, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Exchange {
    /// A task is given to it.
    Task(Box<PollWorkflowTaskQueueResponse>),
    /// It gives this to the code, which answers.
    Activation(Box<WorkflowActivation>),
    /// It begins an attempt of a local activity, named by its id.
    LocalBegins(String),
    /// That ends like this.
    LocalEnds(String, LocalEnd),
    Completes(Box<RespondWorkflowTaskCompletedRequest>),
    AnswersQuery(Box<RespondQueryTaskCompletedRequest>),
    Fails(Box<RespondWorkflowTaskFailedRequest>),
    /// What the server says to one of the last three.
    Answer(Verdict),
    /// It is made to forget the run.
    Evict,
}

/// How a local activity ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalEnd {
    Completes,
    FailsForNow,
    FailsForGood,
    IsCancelled,
}

/// What is left out of a comparison: times that the official core reads from its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactly {
    All,
    ButTimes,
}

/// # Errors
/// What differs.
pub fn activations(ours: &WorkflowActivation, official: &WorkflowActivation, exactly: Exactly) -> Result<(), String> {
    let (mut ours, mut official) = (ours.clone(), official.clone());
    for activation in [&mut ours, &mut official] {
        if exactly == Exactly::ButTimes {
            activation.timestamp = None;
        }
        activation.jobs.iter_mut().for_each(|job| normalize(job.variant.as_mut(), exactly));
    }
    same("activation", &ours, &official)
}

fn normalize(job: Option<&mut Variant>, exactly: Exactly) {
    let Some(Variant::ResolveActivity(resolved)) = job else { return };
    match resolved.result.as_mut().and_then(|result| result.status.as_mut()) {
        Some(Status::Backoff(backoff)) if exactly == Exactly::ButTimes => backoff.original_schedule_time = None,
        // What the official core counts failures by.
        Some(Status::Failed(failed)) => failed.cause = 0,
        _ => {}
    }
}

/// The exchange in a word.
pub fn name(exchange: &Exchange) -> String {
    match exchange {
        Exchange::Task(task) => {
            let events = task.history.as_ref().map_or(&[][..], |history| &history.events);
            let ids = events.first().map(|event| event.event_id).zip(events.last().map(|event| event.event_id));
            format!("Task({ids:?}, query {}, {} queries)", task.query.is_some(), task.queries.len())
        }
        Exchange::Activation(activation) => {
            let jobs: Vec<String> = activation.jobs.iter().map(|job| job.to_string()).collect();
            format!("Activation({}: {})", activation.history_length, jobs.join(", "))
        }
        Exchange::Completes(request) => {
            let commands: Vec<String> = request.commands.iter().map(ToString::to_string).collect();
            format!("Completes({}; {} queries)", commands.join(", "), request.query_results.len())
        }
        Exchange::AnswersQuery(_) => "AnswersQuery".to_owned(),
        Exchange::Fails(request) => {
            format!("Fails({})", request.failure.as_ref().map_or("", |failure| &failure.message))
        }
        other => format!("{other:?}"),
    }
}

/// # Errors
/// What differs.
pub fn completions(
    ours: &RespondWorkflowTaskCompletedRequest,
    official: &RespondWorkflowTaskCompletedRequest,
) -> Result<(), String> {
    let parts = |request: &RespondWorkflowTaskCompletedRequest| {
        let mut metadata = request.sdk_metadata.clone().unwrap_or_default();
        metadata.core_used_flags.sort_unstable();
        metadata.lang_used_flags.sort_unstable();
        let commands: Vec<Command> = request.commands.iter().cloned().map(without_times).collect();
        (commands, request.messages.clone(), metadata, request.force_create_new_workflow_task)
    };
    let (one, other) = (parts(ours), parts(official));
    same("commands", &one.0, &other.0)?;
    same("messages", &one.1, &other.1)?;
    same("metadata", &one.2, &other.2)?;
    same("heartbeat", &one.3, &other.3)?;
    let mut queries: Vec<_> = ours.query_results.iter().map(|(id, it)| (id.clone(), it.clone())).collect();
    let mut others: Vec<_> = official.query_results.iter().map(|(id, it)| (id.clone(), it.clone())).collect();
    queries.sort_by(|one, other| one.0.cmp(&other.0));
    others.sort_by(|one, other| one.0.cmp(&other.0));
    same("answers to queries", &queries, &others)
}

/// Markers of local activities carry times of the clock.
fn without_times(mut command: Command) -> Command {
    if let Some(Attributes::RecordMarkerCommandAttributes(marker)) = &mut command.attributes
        && let Some(data) = marker.details.get_mut("data")
    {
        data.payloads.iter_mut().for_each(|payload| payload.data = masked(&payload.data));
    }
    command
}

fn masked(json: &[u8]) -> Vec<u8> {
    let mut value: serde_json::Value = serde_json::from_slice(json).expect("a marker is JSON");
    for time in ["complete_time", "original_schedule_time"] {
        if let Some(time) = value.get_mut(time).filter(|time| !time.is_null()) {
            *time = "some".into();
        }
    }
    value.to_string().into_bytes()
}

/// # Errors
/// The first line that differs, with some around it.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, ours: &T, official: &T) -> Result<(), String> {
    if ours == official {
        return Ok(());
    }
    let (ours, official) = (format!("{ours:#?}"), format!("{official:#?}"));
    let first = ours.lines().zip(official.lines()).take_while(|(one, other)| one == other).count();
    let part = |text: &str| text.lines().skip(first.saturating_sub(20)).take(40).collect::<Vec<_>>().join("\n");
    Err(format!("{what}: ours\n{}\nofficial\n{}", part(&ours), part(&official)))
}
