//! A child workflow.

use temporalio_protos::temporal::api::{
    command::v1::{Command, command::Attributes as Command_},
    common::v1::{WorkflowExecution, WorkflowType},
    enums::v1::{CommandType, RetryState, TimeoutType},
    failure::v1::{
        ChildWorkflowExecutionFailureInfo, Failure, TerminatedFailureInfo, TimeoutFailureInfo, failure::FailureInfo,
    },
    history::v1::{HistoryEvent, StartChildWorkflowExecutionInitiatedEventAttributes, history_event::Attributes},
};

use super::transition::{step, transitions};
use super::{Context, Effect, Effects, failures, one_payload, unexpected_command, unexpected_event};
use crate::replay::decision::{Annotations, ChildCancellation, ExternalCancel, StartChild};
use crate::replay::error::{Error, Result};
use crate::replay::flags::CoreFlag;
use crate::replay::job::{ChildStart, Job, Outcome};

transitions! { Child, "a child workflow":
    Created -- Sent --> Created;
    Created -- Initiated --> Initiated;
    Created -- Cancel --> TakenBack;
    Created -- Leave --> TakenBack;
    Initiated -- Started --> Started;
    Initiated -- StartFailed --> Ended;
    Initiated -- Cancel --> Initiated;
    Initiated -- Leave --> Left;
    Started -- Ended --> Ended;
    Started -- Cancel --> Started;
    Started -- Leave --> Left;
    Left -- Started --> Left;
    Left -- StartFailed --> Ended;
    Left -- Ended --> Ended;
    Left -- Leave --> Left;
    TakenBack -- Cancel --> TakenBack;
    TakenBack -- Leave --> TakenBack;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    TakenBack,
    Initiated,
    Started,
    /// Cancelled by code that does not wait: what becomes of it is told nobody.
    Left,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Sent,
    Initiated,
    StartFailed,
    Started,
    Ended,
    /// The code cancels it and waits.
    Cancel,
    /// The code cancels it and does not wait.
    Leave,
}

#[derive(Debug)]
pub(crate) struct Child {
    state: State,
    seq: u32,
    namespace: String,
    workflow_id: String,
    run_id: String,
    kind: String,
    cancellation: ChildCancellation,
    initiated_event_id: i64,
    started_event_id: i64,
    annotations: Annotations,
}

impl Child {
    /// The child and the command that starts it.
    pub fn new(request: StartChild, annotations: Annotations) -> (Self, Command) {
        let attributes = request.attributes;
        let child = Self {
            state: State::Created,
            seq: request.seq,
            namespace: attributes.namespace.clone(),
            workflow_id: attributes.workflow_id.clone(),
            run_id: String::new(),
            kind: attributes.workflow_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default(),
            cancellation: request.cancellation,
            initiated_event_id: 0,
            started_event_id: 0,
            annotations,
        };
        let command = child.annotations.on(Command_::StartChildWorkflowExecutionCommandAttributes(attributes));
        (child, command)
    }

    pub fn cancel(&mut self, reason: String, annotations: Annotations, out: &mut Effects) -> Result<()> {
        self.annotations.overridden_by(annotations);
        let (before, leaves) = (self.state, self.leaves());
        step::<Self>(&mut self.state, if leaves { Trigger::Leave } else { Trigger::Cancel })?;
        match before {
            State::Created => {
                let message = format!("Child Workflow Execution cancelled before scheduled: {reason}");
                let failure = self.failure(&message, Some(failures::cancelled(None)), RetryState::NonRetryableFailure);
                out.push(Effect::Job(Job::ChildStarted(self.seq, ChildStart::Cancelled(failure))));
            }
            State::Initiated | State::Started => {
                if self.cancellation != ChildCancellation::Abandon {
                    out.push(Effect::CancelChild(Box::new(self.target(reason)), self.annotations.clone()));
                }
                if leaves {
                    out.push(self.cancelled());
                }
            }
            State::TakenBack | State::Left | State::Ended => {}
        }
        Ok(())
    }

    fn leaves(&self) -> bool {
        matches!(self.cancellation, ChildCancellation::Abandon | ChildCancellation::Try)
    }

    fn target(&self, reason: String) -> ExternalCancel {
        ExternalCancel {
            namespace: self.namespace.clone(),
            workflow_id: self.workflow_id.clone(),
            run_id: self.run_id.clone(),
            reason,
        }
    }

    pub fn is_taken_back(&self) -> bool {
        self.state == State::TakenBack
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::TakenBack | State::Ended)
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        if command != CommandType::StartChildWorkflowExecution {
            return unexpected_command("a child workflow", command);
        }
        step::<Self>(&mut self.state, Trigger::Sent)
    }

    pub fn on_event(&mut self, event: HistoryEvent, context: &mut Context<'_>, out: &mut Effects) -> Result<()> {
        match event.attributes {
            Some(Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(initiated)) => {
                step::<Self>(&mut self.state, Trigger::Initiated)?;
                self.initiated_event_id = event.event_id;
                self.check(&initiated, context)
            }
            Some(Attributes::ChildWorkflowExecutionStartedEventAttributes(started)) => {
                let execution = started
                    .workflow_execution
                    .ok_or_else(|| Error::fatal(format!("event {} names no child", event.event_id)))?;
                self.started(event.event_id, execution, out)
            }
            Some(Attributes::StartChildWorkflowExecutionFailedEventAttributes(failed)) => {
                let start = ChildStart::Failed {
                    workflow_id: self.workflow_id.clone(),
                    workflow_type: self.kind.clone(),
                    cause: failed.cause(),
                };
                let tells = self.state != State::Left;
                step::<Self>(&mut self.state, Trigger::StartFailed)?;
                out.extend(tells.then_some(Effect::Job(Job::ChildStarted(self.seq, start))));
                Ok(())
            }
            _ => self.ended(event, out),
        }
    }

    fn check(
        &self,
        initiated: &StartChildWorkflowExecutionInitiatedEventAttributes,
        context: &mut Context<'_>,
    ) -> Result<()> {
        if !context.flags.allows(CoreFlag::IdAndTypeChecks, context.is_last_task) {
            return Ok(());
        }
        let kind = initiated.workflow_type.as_ref().map_or("", |kind| &kind.name);
        super::same("child workflow", "id", &initiated.workflow_id, &self.workflow_id)?;
        super::same("child workflow", "type", kind, &self.kind)
    }

    fn started(&mut self, event_id: i64, execution: WorkflowExecution, out: &mut Effects) -> Result<()> {
        let tells = self.state != State::Left;
        step::<Self>(&mut self.state, Trigger::Started)?;
        if tells {
            self.started_event_id = event_id;
            self.run_id.clone_from(&execution.run_id);
            out.push(Effect::Job(Job::ChildStarted(self.seq, ChildStart::Started(execution.run_id))));
        }
        Ok(())
    }

    fn ended(&mut self, event: HistoryEvent, out: &mut Effects) -> Result<()> {
        let final_ = RetryState::NonRetryableFailure;
        let outcome = match event.attributes {
            Some(Attributes::ChildWorkflowExecutionCompletedEventAttributes(completed)) => {
                Outcome::Completed(one_payload(completed.result, "a child workflow")?)
            }
            Some(Attributes::ChildWorkflowExecutionFailedEventAttributes(failed)) => {
                let state = failed.retry_state();
                Outcome::Failed(self.failure("Child Workflow execution failed", failed.failure, state))
            }
            Some(Attributes::ChildWorkflowExecutionTimedOutEventAttributes(late)) => {
                let state = late.retry_state();
                Outcome::Failed(self.failure("Child Workflow execution timed out", Some(timed_out()), state))
            }
            Some(Attributes::ChildWorkflowExecutionTerminatedEventAttributes(_)) => {
                Outcome::Failed(self.failure("Child Workflow execution terminated", Some(terminated()), final_))
            }
            Some(Attributes::ChildWorkflowExecutionCanceledEventAttributes(_)) => {
                Outcome::Cancelled(self.cancelled_failure())
            }
            _ => return unexpected_event("a child workflow", &event),
        };
        let tells = self.state != State::Left;
        step::<Self>(&mut self.state, Trigger::Ended)?;
        out.extend(tells.then_some(Effect::Job(Job::ChildResolved(self.seq, outcome))));
        Ok(())
    }

    fn cancelled(&self) -> Effect {
        Effect::Job(Job::ChildResolved(self.seq, Outcome::Cancelled(self.cancelled_failure())))
    }

    fn cancelled_failure(&self) -> Box<Failure> {
        let cause = Some(failures::cancelled(None));
        self.failure("Child Workflow execution cancelled", cause, RetryState::NonRetryableFailure)
    }

    fn failure(&self, message: &str, cause: Option<Failure>, state: RetryState) -> Box<Failure> {
        let info = ChildWorkflowExecutionFailureInfo {
            namespace: self.namespace.clone(),
            workflow_execution: Some(WorkflowExecution {
                workflow_id: self.workflow_id.clone(),
                run_id: self.run_id.clone(),
            }),
            workflow_type: Some(WorkflowType { name: self.kind.clone() }),
            initiated_event_id: self.initiated_event_id,
            started_event_id: self.started_event_id,
            retry_state: state as i32,
        };
        failures::failure(message, cause, FailureInfo::ChildWorkflowExecutionFailureInfo(info))
    }
}

fn timed_out() -> Failure {
    let info = TimeoutFailureInfo { timeout_type: TimeoutType::StartToClose as i32, last_heartbeat_details: None };
    *failures::failure("Timed out", None, FailureInfo::TimeoutFailureInfo(info))
}

fn terminated() -> Failure {
    *failures::failure("Terminated", None, FailureInfo::TerminatedFailureInfo(TerminatedFailureInfo::default()))
}

#[cfg(test)]
#[path = "child_tests.rs"]
mod tests;
