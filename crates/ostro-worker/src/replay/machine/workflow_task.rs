//! A workflow task: when the time of the workflow moves on.

use std::time::SystemTime;

use temporalio_protos::temporal::api::{
    enums::v1::WorkflowTaskFailedCause,
    history::v1::{HistoryEvent, history_event::Attributes},
};

use super::transition::{step, transitions};
use super::{Effect, Effects, unexpected_event};
use crate::replay::error::{Error, Result};
use crate::replay::times;

transitions! { WorkflowTask, "a workflow task":
    Created -- Scheduled --> Scheduled;
    Scheduled -- Started --> Started;
    Scheduled -- TimedOut --> Ended;
    Started -- Completed --> Ended;
    Started -- Failed --> Ended;
    Started -- TimedOut --> Ended;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Scheduled,
    Started,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Scheduled,
    Started,
    Completed,
    Failed,
    TimedOut,
}

#[derive(Debug)]
pub(crate) struct WorkflowTask {
    state: State,
    /// The start with which the sequence at hand ends: those before it came to nothing.
    ends_at: i64,
    started: Option<(i64, SystemTime)>,
}

impl WorkflowTask {
    pub fn new(ends_at: i64) -> Self {
        Self { state: State::Created, ends_at, started: None }
    }

    pub fn is_over(&self) -> bool {
        self.state == State::Ended
    }

    pub fn on_event(&mut self, event: HistoryEvent, out: &mut Effects) -> Result<()> {
        match &event.attributes {
            Some(Attributes::WorkflowTaskScheduledEventAttributes(_)) => {
                step::<Self>(&mut self.state, Trigger::Scheduled)
            }
            Some(Attributes::WorkflowTaskStartedEventAttributes(_)) => {
                step::<Self>(&mut self.state, Trigger::Started)?;
                let time = event.event_time.as_ref().and_then(times::from_timestamp).ok_or_else(|| {
                    Error::fatal(format!("event {} starts a workflow task and has no valid time", event.event_id))
                })?;
                self.started = Some((event.event_id, time));
                if event.event_id >= self.ends_at {
                    out.push(Effect::TaskStarted(self.ends_at, time));
                }
                Ok(())
            }
            Some(Attributes::WorkflowTaskCompletedEventAttributes(_)) => {
                step::<Self>(&mut self.state, Trigger::Completed)?;
                out.extend(self.started.map(|(id, time)| Effect::TaskStarted(id, time)));
                Ok(())
            }
            Some(Attributes::WorkflowTaskFailedEventAttributes(failed)) => {
                step::<Self>(&mut self.state, Trigger::Failed)?;
                if failed.cause() == WorkflowTaskFailedCause::ResetWorkflow {
                    out.push(Effect::Reseed(failed.new_run_id.clone()));
                }
                Ok(())
            }
            Some(Attributes::WorkflowTaskTimedOutEventAttributes(_)) => {
                step::<Self>(&mut self.state, Trigger::TimedOut)
            }
            _ => unexpected_event("a workflow task", &event),
        }
    }
}

#[cfg(test)]
mod tests {
    use temporalio_protos::temporal::api::enums::v1::EventType::*;

    use super::*;
    use crate::replay::machine::transition::taken;
    use crate::replay::testing::{attributes, event_of, run};

    #[test]
    fn takes_every_row() {
        for (events, effects) in [
            (&[WorkflowTaskScheduled, WorkflowTaskStarted, WorkflowTaskCompleted][..], 2),
            (&[WorkflowTaskScheduled, WorkflowTaskStarted, WorkflowTaskFailed], 1),
            (&[WorkflowTaskScheduled, WorkflowTaskStarted, WorkflowTaskTimedOut], 1),
            (&[WorkflowTaskScheduled, WorkflowTaskTimedOut], 0),
        ] {
            let mut task = WorkflowTask::new(1);
            let heard: usize = events.iter().map(|kind| run(|out| task.on_event(event_of(*kind), out)).len()).sum();
            assert_eq!(heard, effects, "{events:?}");
            assert!(task.is_over());
        }
        taken::all_of::<WorkflowTask>();
    }

    #[test]
    fn a_reset_changes_the_seed_and_a_task_in_vain_does_not_move_time() {
        let mut task = WorkflowTask::new(9);
        run(|out| task.on_event(event_of(WorkflowTaskScheduled), out));
        assert!(run(|out| task.on_event(event_of(WorkflowTaskStarted), out)).is_empty());
        let reset = run(|out| task.on_event(attributes::task_reset("new"), out));
        assert!(matches!(&reset[..], [Effect::Reseed(run_id)] if run_id == "new"));
    }
}
