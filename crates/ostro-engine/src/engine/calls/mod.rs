//! The commands, by what they are about.

pub(crate) mod operator;
mod schedule;
mod standalone;
mod worker;
pub(crate) mod workflow;

pub(super) use crate::engine::calls::workflow::start::{TERMINATE_IF_RUNNING, refuses};

use super::Engine;
use crate::base::error::Result;
use crate::call::ReplyId;
use crate::call::{Answer, Command};
use crate::execution::Deadline;
use crate::stored::persistence::{ExecutionId, Loader};

/// Executions looked at in one tick, so that other calls get their turn.
const TIMERS_PER_TICK: usize = 256;

macro_rules! answered {
    ($variant:ident, $answer:expr) => {
        $answer.map(|answer| Some(Answer::$variant(Box::new(answer))))
    };
}

impl<L: Loader> Engine<L> {
    /// Applies one command; `None` where the answer comes later.
    pub(super) fn call(&mut self, id: ReplyId, command: Command) -> Result<Option<Answer>> {
        match command {
            Command::StartWorkflow(r) => answered!(StartWorkflow, self.start_workflow(*r)),
            Command::SignalWithStart(r) => answered!(SignalWithStart, self.signal_with_start(*r)),
            Command::SignalWorkflow(r) => answered!(SignalWorkflow, self.signal_workflow(*r)),
            Command::CancelWorkflow(r) => answered!(CancelWorkflow, self.cancel_workflow(*r)),
            Command::TerminateWorkflow(r) => answered!(TerminateWorkflow, self.terminate_workflow(*r)),
            Command::ResetWorkflow(r) => answered!(ResetWorkflow, self.reset_workflow(*r)),
            Command::UpdateOptions(r) => answered!(UpdateOptions, self.update_workflow_options(*r)),
            Command::PauseWorkflow(r) => answered!(PauseWorkflow, self.pause_workflow(*r)),
            Command::UnpauseWorkflow(r) => answered!(UnpauseWorkflow, self.unpause_workflow(*r)),
            Command::DeleteWorkflow(r) => answered!(DeleteWorkflow, self.delete_workflow(*r)),
            Command::QueryWorkflow(r) => self.query_workflow(id, *r),
            Command::UpdateWorkflow(r) => self.update_workflow(id, *r),
            Command::UpdateWithStart(r) => self.update_with_start(id, *r),
            Command::PollUpdate(r) => self.poll_update(id, *r),
            Command::DescribeWorkflow(r) => answered!(DescribeWorkflow, self.describe_workflow(*r)),
            Command::ReadHistory(r) => self.read_history(id, *r),
            Command::ResetSticky(r) => answered!(ResetSticky, self.reset_sticky(*r)),
            Command::PollWorkflowTask(r) => self.poll_workflow_task(id, *r),
            Command::CompleteWorkflowTask(r) => answered!(CompleteWorkflowTask, self.complete_workflow_task(*r)),
            Command::FailWorkflowTask(r) => answered!(FailWorkflowTask, self.fail_workflow_task(*r)),
            Command::CompleteQuery(r) => answered!(CompleteQuery, self.complete_query(*r)),
            Command::PollActivityTask(r) => self.poll_activity_task(id, *r),
            Command::PollNexusTask(r) => self.poll_nexus_task(id, *r),
            Command::CompleteNexusTask(r) => answered!(CompleteNexusTask, self.complete_nexus_task(*r)),
            Command::FailNexusTask(r) => answered!(FailNexusTask, self.fail_nexus_task(*r)),
            Command::AskNexusWorker(r) => self.ask_nexus_worker(id, *r),
            Command::TakeOutgoing(_) => {
                self.outbox.add_taker(id);
                Ok(None)
            }
            Command::OperationNotDelivered(r) => {
                answered!(OperationNotDelivered, self.operation_not_delivered(*r))
            }
            Command::CallbackAnswered(r) => answered!(CallbackAnswered, self.callback_answered(*r)),
            Command::CompleteNexusOperation(r) => answered!(CompleteNexusOperation, self.complete_nexus_operation(*r)),
            Command::CreateNexusEndpoint(r) => answered!(CreateNexusEndpoint, self.create_nexus_endpoint(*r)),
            Command::UpdateNexusEndpoint(r) => answered!(UpdateNexusEndpoint, self.update_nexus_endpoint(*r)),
            Command::DeleteNexusEndpoint(r) => answered!(DeleteNexusEndpoint, self.delete_nexus_endpoint(*r)),
            Command::GetNexusEndpoint(r) => answered!(GetNexusEndpoint, self.endpoints.describe(&r)),
            Command::ListNexusEndpoints(r) => answered!(ListNexusEndpoints, self.endpoints.list(&r)),
            Command::HeartbeatActivity(r) => answered!(HeartbeatActivity, self.heartbeat_activity(*r)),
            Command::HeartbeatActivityById(r) => answered!(HeartbeatActivityById, self.heartbeat_activity_by_id(*r)),
            Command::CompleteActivity(r) => answered!(CompleteActivity, self.complete_activity(*r)),
            Command::CompleteActivityById(r) => answered!(CompleteActivityById, self.complete_activity_by_id(*r)),
            Command::FailActivity(r) => answered!(FailActivity, self.fail_activity(*r)),
            Command::FailActivityById(r) => answered!(FailActivityById, self.fail_activity_by_id(*r)),
            Command::CancelActivity(r) => answered!(CancelActivity, self.cancel_activity(*r)),
            Command::CancelActivityById(r) => answered!(CancelActivityById, self.cancel_activity_by_id(*r)),
            Command::PauseActivity(r) => answered!(PauseActivity, self.pause_activity(*r)),
            Command::UnpauseActivity(r) => answered!(UnpauseActivity, self.unpause_activity(*r)),
            Command::ResetActivity(r) => answered!(ResetActivity, self.reset_activity(*r)),
            Command::UpdateActivityOptions(r) => answered!(UpdateActivityOptions, self.update_activity_options(*r)),
            Command::ShutdownWorker(r) => answered!(ShutdownWorker, self.shutdown_worker(*r)),
            Command::DescribeTaskQueue(r) => answered!(DescribeTaskQueue, self.describe_task_queue(*r)),
            Command::StartBatch(r) => answered!(StartBatch, self.start_batch(*r)),
            Command::StopBatch(r) => answered!(StopBatch, self.stop_batch(*r)),
            Command::DescribeBatch(r) => answered!(DescribeBatch, self.describe_batch(*r)),
            Command::ListBatches(r) => answered!(ListBatches, self.list_batches(*r)),
            Command::RunningBatches(_) => answered!(RunningBatches, Ok(self.batches.running())),
            Command::ProgressBatch(r) => answered!(ProgressBatch, Ok(self.progress_batch(*r))),
            Command::DetachActivity(r) => answered!(DetachActivity, self.detach_activity(&r)),
            Command::ImportExecution(r) => answered!(ImportExecution, self.import_execution(*r)),
            Command::ExpireExecutions(r) => answered!(ExpireExecutions, self.expire_executions(*r)),
            command => self.schedule_call(command),
        }
    }

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
