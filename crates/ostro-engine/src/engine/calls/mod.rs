//! The front desk: every call goes to the one implementation of [`Handle`] for its request.

pub(crate) mod handle;
pub(crate) mod operator;
mod schedule;
mod standalone;
mod worker;
pub(crate) mod workflow;

pub(super) use crate::engine::calls::workflow::start::{TERMINATE_IF_RUNNING, refuses};

use handle::Handle;
pub(super) use handle::Outcome;

use super::Engine;
use crate::base::error::Result;
use crate::call::{Answer, Call, ReplyId, each_call};
use crate::execution::Deadline;
use crate::stored::persistence::{ExecutionId, Loader};

/// Executions looked at in one tick, so that other calls get their turn.
const TIMERS_PER_TICK: usize = 256;

macro_rules! front_desk {
    ($($name:ident($request:ty) -> $answer:ty;)*) => {
        impl<L: Loader> Engine<L> {
            /// Does what a call asks.
            pub(super) fn call(&mut self, reply: ReplyId, call: Call) -> Result<Outcome<Answer>> {
                match call {
                    $(Call::$name(request) => {
                        let outcome = request.handle(self, reply)?;
                        Ok(outcome.map(|answer| Answer::$name(Box::new(answer))))
                    })*
                }
            }
        }
    };
}

each_call!(front_desk);

impl<L: Loader> Engine<L> {
    /// Does what is due in executions.
    pub(super) fn run_timers(&mut self) {
        for _ in 0..TIMERS_PER_TICK {
            let Some(id) = self.timers.due(self.now) else { return };
            if self.load(id) {
                self.execution_due(id);
                self.settle();
            } else {
                self.timers.set(id, None);
            }
        }
    }

    fn execution_due(&mut self, id: ExecutionId) {
        let now = self.now;
        self.step(id, |t| {
            // Each deadline that is handled moves or goes; the bound keeps one execution from holding up the others.
            for _ in 0..TIMERS_PER_TICK {
                let Some(deadline) = t.exec.deadlines.due(now) else { break };
                t.exec.deadlines.set(deadline.clone(), None);
                match deadline {
                    Deadline::FirstTask => t.first_task_due(),
                    Deadline::Run => t.time_out_run(),
                    Deadline::WorkflowTask => t.time_out_workflow_task(),
                    // What comes next of the same part may be due as well, and before other parts.
                    Deadline::Activity(event) => {
                        t.activity_due(event);
                        t.exec.refresh_activity_deadline(event);
                    }
                    Deadline::Timer(timer) => t.fire_timer(&timer),
                    Deadline::Nexus(event) => {
                        t.nexus_due(event);
                        t.exec.refresh_nexus_deadline(event);
                    }
                    Deadline::Callback(callback) => t.callback_due(callback),
                    Deadline::Held => t.held_due(),
                }
            }
            t.terminate_if_too_large();
        });
    }
}
