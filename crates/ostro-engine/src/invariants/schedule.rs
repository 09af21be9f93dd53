//! What must hold of every stored schedule: that it says when it acts next, and waits for no run that has ended.

use crate::base::nesting::Nested;
use crate::base::time::Time;
use crate::schedule::Schedule;
use crate::stored::schedule::Record;

/// What makes a schedule act next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NextAction {
    /// The next time of its specification; without jitter.
    Due(Time),
    /// The end of a run that it started.
    Run,
    /// Whoever unpauses it.
    Paused,
    /// Nothing: it has no times or actions left, and goes by itself some days later.
    Spent,
}

/// Checks a stored schedule. `is_open` tells whether a chain of runs, by the id of its first, has an open run.
///
/// # Errors
/// What does not hold, in words.
pub fn check_schedule(value: &[u8], is_open: impl Fn(&str) -> bool) -> Result<NextAction, String> {
    let record = Record::decode_nested(value).map_err(|error| error.to_string())?;
    let schedule = Schedule::new(record, "");
    if let Some(ended) = schedule.awaited_runs().find(|run| !is_open(run)) {
        return Err(format!("it waits for the end of run {ended}, which is not open"));
    }
    #[allow(deprecated)]
    let invalid = schedule.record.info.as_ref().map(|info| info.invalid_schedule_error.clone()).unwrap_or_default();
    if !invalid.is_empty() {
        return Err(format!("its specification is not valid: {invalid}"));
    }
    Ok(match schedule.next_time() {
        _ if schedule.is_paused() => NextAction::Paused,
        Some(due) => NextAction::Due(due),
        None if !schedule.running().is_empty() => NextAction::Run,
        None => NextAction::Spent,
    })
}
