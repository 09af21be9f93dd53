//! What must hold of every run and every schedule between two commits: that it is whole, and that something will wake it.
//!
//! Pure: the rows come in, what is wrong with them goes out. `ostro doctor` checks a file with it.

mod progress;
mod schedule;

use crate::base::time::Time;
use crate::execution::Execution;
use crate::stored::persistence::{ItemKey, ItemKind, StoredExecution};

pub use progress::Progress;
pub use schedule::{NextAction, check_schedule};

/// A run as it is stored.
#[derive(Debug, Clone)]
pub struct Run {
    pub stored: StoredExecution,
    /// The moment for which recovery sets a timer.
    pub next_due: Option<Time>,
    /// The queue into which recovery puts its workflow task.
    pub waiting_queue: Option<String>,
    /// The parts that recovery puts into a queue.
    pub waiting_items: Vec<(ItemKind, ItemKey)>,
    /// As lists show it.
    pub status: i32,
    pub is_listed_open: bool,
}

/// What will move a run next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WakeUp {
    /// Nothing: it is closed, and its callbacks are delivered.
    Closed,
    /// A worker that takes one of its tasks.
    Worker,
    /// The engine itself, when a timer or a time-out falls due.
    Due(Time),
    /// Another execution: a child, or one that it signals or cancels.
    OtherExecution,
    /// Someone outside: a signal, an update, a cancellation, whoever unpauses it.
    Message,
}

/// Checks one run against its history.
///
/// # Errors
/// What does not hold, in words.
pub fn check(run: &Run, progress: &Progress) -> Result<WakeUp, String> {
    let execution = Execution::from_stored(run.stored.clone()).map_err(|damaged| damaged.0)?;
    let core = &execution.core;
    let open = core.close_time() == Time::UNSET;
    require(core.next_event_id == progress.next_event_id(), || {
        format!(
            "its state expects event {} next, its history ends before {}",
            core.next_event_id,
            progress.next_event_id()
        )
    })?;
    // An activity without a workflow has no history that could say so.
    let ended = if execution.is_standalone() { !open } else { progress.is_closed() };
    require(run.status == core.status && run.is_listed_open == open && open != ended, || {
        format!(
            "lists show status {}, its state has {}, its history says closed: {}",
            run.status,
            core.status,
            progress.is_closed()
        )
    })?;
    if !open {
        return check_closed(run, &execution);
    }
    check_tasks(run, &execution, progress)?;
    let due = execution.deadlines.next();
    require(due.is_none_or(|due| run.next_due.is_some_and(|at| at <= due)), || {
        format!("something falls due at {due:?}, and recovery would look at {:?}", run.next_due)
    })?;
    Ok(wake_up(run, &execution))
}

/// Nothing moves a closed run any more, but for callbacks that are yet to be delivered.
fn check_closed(run: &Run, execution: &Execution) -> Result<WakeUp, String> {
    let wakes = run.waiting_queue.is_some() || !run.waiting_items.is_empty();
    require(!wakes, || "it is closed, and recovery would put a task of it into a queue".to_owned())?;
    let due = execution.deadlines.next();
    require(due == run.next_due, || {
        format!("it is closed, its callbacks fall due at {due:?}, and recovery would look at {:?}", run.next_due)
    })?;
    Ok(due.map_or(WakeUp::Closed, WakeUp::Due))
}

/// Nothing that the workflow must be told may lie there without a task that tells it.
fn check_tasks(run: &Run, execution: &Execution, progress: &Progress) -> Result<(), String> {
    let core = &execution.core;
    let task = core.workflow_task.as_ref();
    let in_flight = task.is_some_and(|task| task.is_started());
    require(execution.buffered.is_empty() || in_flight, || {
        "events are buffered and no workflow task is in flight: nobody will ever see them".to_owned()
    })?;
    let to_come = task.is_some() || core.first_task_due() != Time::UNSET || core.pause.is_some();
    require(!progress.has_news() || to_come, || {
        "its workflow has not been told of the newest events, and no workflow task is to come".to_owned()
    })?;
    let waits = execution.waiting_workflow_task().is_some();
    require(waits == run.waiting_queue.is_some(), || {
        format!("a workflow task waits: {waits}, and recovery would put one into queue {:?}", run.waiting_queue)
    })?;
    for id in execution.activities.keys() {
        let recovered = run.waiting_items.contains(&(ItemKind::Activity, ItemKey::Id(*id)));
        let waits = execution.offers_activity(*id);
        require(waits == recovered, || {
            format!("activity {id} waits for a worker: {waits}, and recovery would queue it: {recovered}")
        })?;
    }
    Ok(())
}

fn wake_up(run: &Run, execution: &Execution) -> WakeUp {
    if run.waiting_queue.is_some() || !run.waiting_items.is_empty() {
        return WakeUp::Worker;
    }
    if let Some(due) = run.next_due {
        return WakeUp::Due(due);
    }
    let others = execution.children.len() + execution.signals.len() + execution.cancels.len() + execution.nexus.len();
    if others > 0 { WakeUp::OtherExecution } else { WakeUp::Message }
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
