//! What an execution waits for.

use std::time::SystemTime;

use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;

use crate::evidence::Evidence;
use crate::reason::{Kind, Reason};
use crate::{activity, closed, moment, nexus, workflow_task};

/// Whether an execution of this status goes on.
pub(crate) fn is_open(status: WorkflowExecutionStatus) -> bool {
    matches!(status, WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused)
}

/// Everything that the execution waits for, what blocks it first; one reason at least.
pub fn reasons(evidence: &Evidence<'_>) -> Vec<Reason> {
    let Evidence { described, now, .. } = *evidence;
    let info = evidence.info().cloned().unwrap_or_default();
    if !is_open(info.status()) {
        return vec![closed::reason(&info, now)];
    }
    let mut reasons = Vec::new();
    reasons.extend(paused(evidence));
    reasons.extend(described.pending_workflow_task.as_ref().map(|task| workflow_task::reason(task, evidence)));
    reasons.extend(described.pending_activities.iter().map(|pending| activity::reason(pending, evidence)));
    reasons.extend(children(evidence));
    reasons.extend(nexus::reasons(evidence));
    reasons.extend(externals(evidence));
    reasons.extend(updates(evidence));
    reasons.extend(timers(evidence));
    if reasons.is_empty() {
        reasons.push(start(&info, now).unwrap_or_else(|| message(evidence)));
    }
    // A stable sort: within each half the order above stays.
    reasons.sort_by_key(|reason| !reason.blocked);
    reasons
}

fn paused(evidence: &Evidence<'_>) -> Option<Reason> {
    let extended = evidence.described.workflow_extended_info.as_ref()?;
    let pause = extended.pause_info.as_ref()?;
    let since = moment::of(pause.paused_time.as_ref());
    let by = activity::by(&pause.identity, &pause.reason);
    let sentence = format!("Paused{}{by}, until somebody unpauses it.", moment::for_time(since, evidence.now));
    Some(Reason::new(Kind::Paused, "", sentence).blocked(true))
}

fn start(info: &WorkflowExecutionInfo, now: SystemTime) -> Option<Reason> {
    // Without a delay it begins where it starts, also where the server's clock is ahead of ours.
    let started = moment::of(info.start_time.as_ref());
    let begins = moment::of(info.execution_time.as_ref()).filter(|begins| *begins > now && Some(*begins) > started)?;
    let sentence = format!(
        "Waiting for its beginning, {} (a start delay, a retry's back-off or cron).",
        moment::until(begins, now)
    );
    Some(Reason::new(Kind::Start, "", sentence))
}

fn message(evidence: &Evidence<'_>) -> Reason {
    let canceled = evidence.described.workflow_extended_info.as_ref().is_some_and(|info| info.cancel_requested);
    let asked = if canceled { " Its cancellation was requested, and its code has not ended." } else { "" };
    let sentence =
        format!("Waiting for a signal, an update or a cancellation: its code has nothing else scheduled.{asked}");
    Reason::new(Kind::Message, "", sentence)
}

fn children(evidence: &Evidence<'_>) -> impl Iterator<Item = Reason> {
    evidence.described.pending_children.iter().map(|child| {
        let name = &child.workflow_type_name;
        let since = moment::for_time(evidence.outstanding.child_initiated(child.initiated_id), evidence.now);
        let state = if child.run_id.is_empty() { ", which has not started" } else { "" };
        let sentence = format!("Waiting{since} for child workflow `{}` ({name}){state}.", child.workflow_id);
        Reason::new(Kind::ChildWorkflow, child.workflow_id.clone(), sentence)
    })
}

fn externals(evidence: &Evidence<'_>) -> impl Iterator<Item = Reason> {
    let now = evidence.now;
    evidence.outstanding.externals().map(move |external| {
        let since = moment::for_time(external.since, now);
        let sentence =
            format!("Waiting{since} for its {} to reach workflow `{}`.", external.what, external.workflow_id);
        Reason::new(Kind::ExternalWorkflow, external.workflow_id.clone(), sentence)
    })
}

fn updates(evidence: &Evidence<'_>) -> impl Iterator<Item = Reason> {
    let now = evidence.now;
    evidence.outstanding.updates().map(move |update| {
        let since = moment::for_time(update.since, now);
        let sentence = format!("Waiting{since} for the handler of update `{}` (id `{}`).", update.name, update.id);
        Reason::new(Kind::Update, update.id.clone(), sentence)
    })
}

fn timers(evidence: &Evidence<'_>) -> impl Iterator<Item = Reason> {
    let now = evidence.now;
    evidence.outstanding.timers().map(move |timer| {
        let fires = timer.fires.map(|fires| moment::until(fires, now)).unwrap_or_default();
        Reason::new(Kind::Timer, timer.id.clone(), format!("Waiting for timer `{}`, which fires {fires}.", timer.id))
    })
}
