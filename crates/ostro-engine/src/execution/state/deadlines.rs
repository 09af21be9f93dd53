//! When the engine must look at an execution by itself: one deadline per part that has one.

use std::collections::{BTreeSet, HashMap};

use crate::base::time::Time;

/// What falls due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Deadline {
    /// The back-off before the first workflow task (start delay, cron, retry) is over.
    FirstTask,
    /// The run or its chain has run out of time.
    Run,
    /// The workflow task was not taken from its sticky queue, or not completed, in time.
    WorkflowTask,
    /// One of the activity's time-outs, or the end of its back-off. By scheduled event id.
    Activity(i64),
    /// By timer id.
    Timer(String),
    /// A time-out of the Nexus operation, of a request to its handler, or the end of a back-off. By scheduled event id.
    Nexus(i64),
    /// The end of an attempt to deliver the callback of this number, or of the back-off after one; the run is closed mostly.
    Callback(i64),
    /// What could not be told to an execution that was set aside is tried again.
    Held,
}

/// Deadlines ordered by time.
#[derive(Debug, Default)]
pub struct Deadlines {
    times: HashMap<Deadline, Time>,
    order: BTreeSet<(Time, Deadline)>,
}

impl Deadlines {
    /// Sets or clears (`None`) one deadline.
    pub(crate) fn set(&mut self, deadline: Deadline, time: Option<Time>) {
        if self.times.get(&deadline) == time.as_ref() {
            return;
        }
        if let Some(old) = self.times.remove(&deadline) {
            self.order.remove(&(old, deadline.clone()));
        }
        if let Some(time) = time {
            self.times.insert(deadline.clone(), time);
            self.order.insert((time, deadline));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.order.clear();
    }

    /// The earliest, or nothing.
    pub(crate) fn next(&self) -> Option<Time> {
        self.order.first().map(|(time, _)| *time)
    }

    /// The earliest that is due at `now`.
    pub(crate) fn due(&self, now: Time) -> Option<Deadline> {
        self.order.first().filter(|(time, _)| *time <= now).map(|(_, deadline)| deadline.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_moves() {
        let mut deadlines = Deadlines::default();
        deadlines.set(Deadline::Activity(5), Some(Time::from_nanos(30)));
        deadlines.set(Deadline::Timer("t".into()), Some(Time::from_nanos(20)));
        assert_eq!(deadlines.next(), Some(Time::from_nanos(20)));
        deadlines.set(Deadline::Timer("t".into()), Some(Time::from_nanos(40)));
        assert_eq!(deadlines.due(Time::from_nanos(35)), Some(Deadline::Activity(5)));
        deadlines.set(Deadline::Activity(5), None);
        assert_eq!(deadlines.due(Time::from_nanos(35)), None);
        assert_eq!(deadlines.next(), Some(Time::from_nanos(40)));
    }
}
