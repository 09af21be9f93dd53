//! What the rows of an execution must say after each commit.

use ostro_engine::execution::Execution;
use ostro_engine::execution::state::Core;
use ostro_engine::persistence::{ExecutionId, ItemKey, ItemKind};
use prost::Message;

use crate::grammar::Grammar;
use crate::plant::decode_activity;
use crate::store::Rows;

/// Checks one execution's rows.
///
/// # Errors
/// What does not hold.
pub fn check(rows: &Rows, id: ExecutionId, grammar: &Grammar) -> Result<(), String> {
    let Some(state) = rows.states.get(&id) else { return Ok(()) };
    let core = Core::decode(state.state.as_ref()).map_err(|e| e.to_string())?;
    let visible = rows.visibility.get(&id).ok_or("no visibility row")?;
    let events = rows.history.get(&id).map_or(0, Vec::len) as i64;
    let open = core.close_time == 0;
    let wrong = |what: String| Err(format!("execution {id} ({}): {what}", visible.workflow_id));
    if core.next_event_id != events + 1 {
        return wrong(format!("the next event is {} after {events} events", core.next_event_id));
    }
    if visible.status != core.status || (visible.close_time == 0) != open || open == grammar.is_closed() {
        return wrong(format!("visibility says {}, state {}", visible.status, core.status));
    }
    let items = rows.items.get(&id);
    let of = |kind: ItemKind| items.into_iter().flatten().filter(move |((k, _), _)| *k == kind);
    let counts = [ItemKind::Activity, ItemKind::Timer, ItemKind::Child, ItemKind::BufferedEvent].map(|k| of(k).count());
    if !open {
        if state.next_due.is_some() || state.waiting.is_some() || counts != [0; 4] {
            return wrong(format!("closed, but due {:?}, queue {:?}, parts {counts:?}", state.next_due, state.waiting));
        }
        return Ok(());
    }
    let same_id = rows
        .runs_of(visible.namespace, &visible.workflow_id)
        .iter()
        .filter(|run| rows.visibility.get(run).is_some_and(|row| row.close_time == 0));
    if same_id.count() != 1 {
        return wrong("two open runs of one workflow id".to_owned());
    }
    let task = core.workflow_task.as_ref();
    if counts[3] > 0 && !task.is_some_and(|t| t.is_started()) {
        return wrong("events are buffered and no workflow task is in flight: nobody will ever see them".to_owned());
    }
    if grammar.news && task.is_none() && core.first_task_due == 0 {
        return wrong(
            "the workflow has not been told of the newest events, and no workflow task is to come".to_owned(),
        );
    }
    if task.is_some_and(|t| !t.is_started()) != state.waiting.is_some() {
        return wrong(format!("the waiting workflow task {task:?} is recovered from queue {:?}", state.waiting));
    }
    let mut waiting = state.waiting.is_some();
    for ((_, key), (value, queue)) in of(ItemKind::Activity) {
        let activity = decode_activity(value);
        if *key != ItemKey::Id(activity.scheduled_event_id) {
            return wrong(format!("activity {} is stored as {key:?}", activity.scheduled_event_id));
        }
        if activity.is_waiting() != queue.is_some() {
            return wrong(format!("activity {:?} waits: {}, queue {queue:?}", key, activity.is_waiting()));
        }
        waiting |= queue.is_some();
    }
    let stored = rows.stored(id).ok_or("no rows")?;
    let due = Execution::from_stored(stored).deadlines.next();
    if due.is_some() && state.next_due.is_none_or(|at| due.is_some_and(|due| at > due)) {
        return wrong(format!("due at {due:?}, but the row says {:?}: a restart would be late", state.next_due));
    }
    if state.next_due.is_none() && !waiting && counts[2] == 0 {
        return wrong("open, and nothing will ever wake it".to_owned());
    }
    Ok(())
}
