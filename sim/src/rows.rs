//! What the rows of an execution must say after each commit.

use ostro_engine::invariants::{self, WakeUp};
use ostro_engine::persistence::{ExecutionId, ItemKey, ItemKind};
use ostro_engine::schedule;
use ostro_engine::stored::execution::Core;
use prost::Message;

use crate::check::Run;
use crate::plant::decode_activity;
use crate::store::Rows;
use ostro_engine::time::Time;

/// Checks one execution's rows by the rule that `ostro doctor` checks files with, and by what only this world knows: that
/// nobody waits for a message from outside for ever. True where it is an activity without a workflow that completed.
///
/// # Errors
/// What does not hold.
pub fn check(rows: &Rows, id: ExecutionId, run: &mut Run) -> Result<bool, String> {
    let Some(state) = rows.states.get(&id) else { return Ok(false) };
    let core = Core::decode(state.state.as_ref()).map_err(|e| e.to_string())?;
    let visible = rows.visibility.get(&id).ok_or("no visibility row")?;
    let wrong = |what: String| format!("execution {id} ({}): {what}", visible.workflow_id);
    run.is_closed = core.close_time != 0;
    let activities = rows.items.get(&id).into_iter().flatten().filter(|((kind, _), _)| *kind == ItemKind::Activity);
    for ((_, key), (value, _)) in activities {
        let activity = decode_activity(value);
        if *key != ItemKey::Id(activity.scheduled_event_id) {
            return Err(wrong(format!("activity {} is stored as {key:?}", activity.scheduled_event_id)));
        }
    }
    let wake_up = invariants::check(&stored(rows, id).ok_or("no rows")?, &run.told).map_err(wrong)?;
    if wake_up == WakeUp::Closed {
        return Ok(core.standalone.is_some_and(|standalone| standalone.failure.is_none()));
    }
    let open = |run: &&ExecutionId| rows.visibility.get(run).is_some_and(|row| row.close_time == Time::UNSET);
    if rows.runs_of(visible.namespace, &visible.workflow_id).iter().filter(open).count() != 1 {
        return Err(wrong("two open runs of one workflow id".to_owned()));
    }
    if wake_up == WakeUp::Message { Err(wrong("open, and nothing will ever wake it".to_owned())) } else { Ok(false) }
}

/// Checks every schedule by the rule of `ostro doctor`: none waits for a run that has ended.
///
/// # Errors
/// What does not hold.
pub fn check_schedules(rows: &Rows) -> Result<(), String> {
    let is_open =
        |run: &str| rows.visibility.values().any(|row| row.close_time == Time::UNSET && row.first_run_id == run);
    for ((_, key), value) in rows.records.iter().filter(|((kind, _), _)| kind == schedule::KIND) {
        invariants::check_schedule(value, is_open).map_err(|what| format!("schedule {key}: {what}"))?;
    }
    Ok(())
}

fn stored(rows: &Rows, id: ExecutionId) -> Option<invariants::Run> {
    let (state, visible) = (rows.states.get(&id)?, rows.visibility.get(&id)?);
    let waits = rows.items.get(&id).into_iter().flatten().filter(|(_, (_, waiting))| waiting.is_some());
    Some(invariants::Run {
        stored: rows.stored(id)?,
        next_due: state.next_due,
        waiting_queue: state.waiting.as_ref().map(|waiting| waiting.queue.clone()),
        waiting_items: waits.map(|(key, _)| key.clone()).collect(),
        status: visible.status,
        is_listed_open: visible.close_time == Time::UNSET,
    })
}
