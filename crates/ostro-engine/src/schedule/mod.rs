//! Schedules: what starts workflows by itself, at times of a specification.
//!
//! ```text
//! time of the specification --missed the catch-up window--> (counted)
//! time, trigger, backfill   --buffer full--> (counted) | --> Buffered
//! Buffered --nothing runs, or ALLOW_ALL--> Started --closed--> Ended
//! Buffered --overlap: SKIP--> (counted)
//!          --BUFFER_ONE, BUFFER_ALL--> Buffered until what runs has closed
//!          --CANCEL_OTHER, TERMINATE_OTHER--> Buffered, and what runs is cancelled or terminated
//! Active --pause, a failure with pause_on_failure--> Paused --unpause--> Active
//! Active --no time or action left for 7 days--> (deleted)
//! ```
//!
//! The state machine here is pure: the engine tells it the time, starts what it asks for, and stores it in the commit of
//! the runs that it started. So no action is lost or taken twice.

mod buffer;
mod change;
mod state;
mod view;

pub use crate::stored::schedule::KIND;
pub use buffer::Round;
pub use state::{Outcome, Schedule, Started};
pub use view::Row;

use crate::base::time::{DAY, MILLISECOND, SECOND, Span};

/// How late an action may be, where the policies do not say.
pub(crate) const CATCHUP_WINDOW: Span = DAY.times(365);
/// The least that the policies can say.
pub(crate) const CATCHUP_WINDOW_MIN: Span = SECOND.times(10);
/// How long a schedule with nothing left to do is kept.
pub const RETENTION: Span = DAY.times(7);
/// Actions, and backfills, that wait.
pub(crate) const BUFFER_MAX: usize = 1000;
/// Times that are looked at before other calls get their turn.
pub(crate) const TIMES_PER_STEP: usize = 1000;
/// Actions, of the specification's times and of backfills each, that are taken before other calls get their turn.
pub(crate) const ACTIONS_PER_STEP: usize = 100;
/// How long a schedule with more to do than one step may do waits for its next. A backfill of all times from the year 1
/// on so takes a bounded share of a processor, for as long as it lasts.
pub(crate) const STEP_PAUSE: Span = MILLISECOND.times(50);
/// Recent and future actions in a description.
pub(crate) const ACTIONS_SHOWN: usize = 10;
/// The same in a list.
pub(crate) const ACTIONS_LISTED: usize = 5;
/// Calendars, intervals and exclusions in a list, each.
pub(crate) const SPECS_LISTED: usize = 10;
