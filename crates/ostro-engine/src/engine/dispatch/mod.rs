//! Between executions and task queues: offering work, handing it to workers, taking it back.

pub(crate) mod describe_queue;
pub(crate) mod lost;
pub(crate) mod route;

use temporalio_protos::temporal::api::taskqueue::v1::PollerScalingDecision;
use temporalio_protos::temporal::api::workflowservice::v1::{
    PollActivityTaskQueueResponse, PollNexusTaskQueueResponse, PollWorkflowTaskQueueResponse,
};

use super::Engine;
use crate::base::time::{MILLISECOND, SECOND, Span, Time};
use crate::base::token::TaskToken;
use crate::call::Answer;
use crate::call::WorkflowTaskAnswer;
use crate::execution::nexus::What;
use crate::execution::workflow_task::StartedBy;
use crate::queue::{Match, Poller, QueueKey, Task, Work};
use crate::stored::execution::WorkflowTask;
use crate::stored::persistence::{ExecutionId, Loader, QueueKind};

/// A poll that waited so long for its task is one too many, as on the reference server.
const POLLS_TOO_MANY: Span = SECOND;
/// A task that waited so long for a poll says that there are too few.
const POLLS_TOO_FEW: Span = MILLISECOND.times(200);

impl<L: Loader> Engine<L> {
    pub(super) fn offer_workflow_task(&mut self, id: ExecutionId) {
        let Some((key, task)) = self.waiting_workflow_task(id) else { return };
        if task.sticky && !self.queues.has_recent_poller(&key, self.now, self.config.sticky_poller_ttl) {
            self.step(id, |t| t.unstick_workflow_task());
            return;
        }
        match task.sticky {
            true if self.sticky_worker_is_left(id) => self.step(id, |t| t.unstick_workflow_task()),
            true => self.add_sticky_task(key, id, Work::WorkflowTask),
            false => self.add_task(key, id, Work::WorkflowTask),
        }
    }

    fn waiting_workflow_task(&self, id: ExecutionId) -> Option<(QueueKey, WorkflowTask)> {
        let execution = self.cache.get(id)?;
        let task = execution.core.workflow_task.clone().filter(|t| !t.is_started())?;
        let key = QueueKey::new(execution.core.namespace, QueueKind::Workflow, task.queue.clone());
        Some((key, task))
    }

    pub(super) fn withdraw(&mut self, id: ExecutionId, kind: QueueKind, name: String, work: Work) {
        let Some(execution) = self.cache.get(id) else { return };
        let key = QueueKey::new(execution.core.namespace, kind, name);
        self.queues.withdraw(&key, id, work);
    }

    pub(super) fn offer_activity(&mut self, id: ExecutionId, event: i64) {
        let Some(execution) = self.cache.get(id) else { return };
        let Some(activity) = execution.activities.get(&event).filter(|_| execution.offers_activity(event)) else {
            return;
        };
        let key = QueueKey::new(execution.core.namespace, QueueKind::Activity, activity.queue().to_owned());
        self.add_task(key, id, Work::Activity(event));
    }

    /// A query goes to the worker that has the execution cached, if it waits for work right now, else to any. Where that
    /// worker does not answer within the sticky time-out, as one that has just died, the query goes to any after all.
    pub(super) fn offer_query(&mut self, id: ExecutionId, number: u64) {
        let Some(execution) = self.cache.get(id) else { return };
        let namespace = execution.core.namespace;
        let sticky = execution.core.sticky.as_ref().map(|sticky| {
            (QueueKey::new(namespace, QueueKind::Workflow, sticky.queue.clone()), sticky.schedule_to_start())
        });
        let sticky = sticky.filter(|(key, _)| self.queues.has_recent_poller(key, self.now, Span::ZERO));
        let sticky = sticky.filter(|_| !self.sticky_worker_is_left(id));
        match sticky {
            Some((key, patience)) => self.offer_query_to(key, patience, id, number),
            None => self.offer_query_to_any(id, number),
        }
    }

    fn offer_query_to(&mut self, sticky: QueueKey, patience: Span, id: ExecutionId, number: u64) {
        let query = self.cache.get_mut(id).and_then(|execution| execution.live.queries.get_mut(&number));
        let Some(query) = query else { return };
        query.sticky = Some(sticky.name.clone());
        self.waits.move_deadline(query.reply, self.now + patience);
        self.add_sticky_task(sticky, id, Work::Query(number));
    }

    /// To whichever worker of the normal queue comes first.
    pub(super) fn offer_query_to_any(&mut self, id: ExecutionId, number: u64) {
        let Some(execution) = self.cache.get_mut(id) else { return };
        if let Some(query) = execution.live.queries.get_mut(&number) {
            query.sticky = None;
        }
        let core = &execution.core;
        let normal = QueueKey::new(core.namespace, QueueKind::Workflow, core.task_queue.clone());
        self.add_task(normal, id, Work::Query(number));
    }

    /// Hands a task to a worker that waits for it; a stale one is dropped and the worker waits on.
    pub(super) fn dispatch(&mut self, found: Match) {
        let Match { key, task, poller } = found;
        let id = task.execution;
        let reply = poller.reply;
        let answer = match task.work {
            Work::NexusIncoming(call) => self.hand_over_incoming(&key, &task, call).map(nexus_task),
            _ if self.load(id) => self.hand_over(&key, &task, &poller),
            _ => None,
        };
        match answer {
            Some(answer) => self.reply(reply, Ok(advised(answer, advice(&task, &poller, self.now)))),
            None => self.queues.return_poller(&key, poller),
        }
    }

    fn hand_over(&mut self, key: &QueueKey, task: &Task, poller: &Poller) -> Option<Answer> {
        let id = task.execution;
        let sticky = !poller.sticky_of.is_empty();
        if !self.belongs(key, task, sticky) {
            return None;
        }
        let by = StartedBy { identity: poller.identity.clone(), deployment: poller.deployment.clone(), sticky };
        match task.work {
            Work::WorkflowTask => {
                let (waiting, _) = self.waiting_workflow_task(id)?;
                if waiting.name != key.name {
                    return None;
                }
                let answer = self.start_workflow_task(id, by);
                Some(Answer::PollWorkflowTask(Box::new(answer)))
            }
            Work::Activity(event) => {
                let execution = self.execution(id);
                let activity = execution.activities.get(&event).filter(|a| a.queue() == key.name)?;
                let event = activity.scheduled_event_id;
                if !execution.offers_activity(event) || !self.may_start_activity(id, key) {
                    return None;
                }
                let response = self.step(id, |t| t.start_activity(event, by));
                Some(Answer::PollActivityTask(Box::new(response)))
            }
            Work::NexusStart(event) => self.hand_over_nexus(id, event, What::Start).map(nexus_task),
            Work::NexusCancel(event) => self.hand_over_nexus(id, event, What::Cancel).map(nexus_task),
            Work::NexusIncoming(_) => None,
            Work::Query(number) => {
                let mut answer = self.view(id, |t| t.start_query(number, sticky))?;
                self.attach_history(&mut answer);
                Some(Answer::PollWorkflowTask(Box::new(answer)))
            }
        }
    }

    /// Starts the waiting workflow task of an execution with a worker.
    pub(super) fn start_workflow_task(&mut self, id: ExecutionId, by: StartedBy) -> WorkflowTaskAnswer {
        let mut answer = self.step(id, |t| t.start_workflow_task(by));
        self.attach_history(&mut answer);
        answer
    }

    fn attach_history(&mut self, answer: &mut WorkflowTaskAnswer) {
        let slice = &mut answer.history;
        slice.encoded = self.cache.get(slice.execution).and_then(|e| e.tail.slice(slice.from, slice.to));
    }

    /// Polls whose time is over are answered with nothing.
    pub(super) fn expire_pollers(&mut self) {
        for (key, poller) in self.queues.expired_pollers(self.now) {
            self.answer_empty(&key, &poller);
        }
    }

    pub(super) fn answer_empty(&mut self, key: &QueueKey, poller: &Poller) {
        let answer = match key.kind {
            QueueKind::Activity => Answer::PollActivityTask(Box::<PollActivityTaskQueueResponse>::default()),
            QueueKind::Workflow => Answer::PollWorkflowTask(Box::<WorkflowTaskAnswer>::default()),
            QueueKind::Nexus => Answer::PollNexusTask(Box::<PollNexusTaskQueueResponse>::default()),
        };
        self.reply(poller.reply, Ok(answer));
    }

    /// An answer with a task did not reach its worker: the task is offered again at once.
    pub(super) fn take_back(&mut self, answer: Answer) {
        match answer {
            Answer::PollWorkflowTask(answer) => self.take_back_workflow_task(&answer.response),
            Answer::PollActivityTask(response) => self.take_back_activity(&response),
            Answer::PollNexusTask(response) => self.take_back_nexus(&response),
            Answer::TakeOutgoing(request) => request.iter().for_each(|request| self.take_back_outgoing(request)),
            Answer::StartWorkflow(answer) => {
                if let Some(task) = answer.workflow_task {
                    self.take_back_workflow_task(&task.response);
                }
            }
            Answer::CompleteWorkflowTask(answer) => {
                if let Some(task) = answer.workflow_task {
                    self.take_back_workflow_task(&task.response);
                }
                for activity in &answer.response.activity_tasks {
                    self.take_back_activity(activity);
                }
            }
            _ => {}
        }
    }

    fn take_back_workflow_task(&mut self, response: &PollWorkflowTaskQueueResponse) {
        let Ok(token) = TaskToken::parse(&self.seals, &response.task_token) else { return };
        if !self.load(token.execution) {
            return;
        }
        if let Ok(number) = token.query_id.parse::<u64>() {
            self.offer_query(token.execution, number);
            return;
        }
        if self.execution(token.execution).matches_workflow_task(&token) {
            self.step(token.execution, |t| t.time_out_workflow_task());
        }
    }

    fn take_back_activity(&mut self, response: &PollActivityTaskQueueResponse) {
        let Ok(token) = TaskToken::parse(&self.seals, &response.task_token) else { return };
        if !self.load(token.execution) {
            return;
        }
        let live = self
            .execution(token.execution)
            .activities
            .get(&token.scheduled_event_id)
            .is_some_and(|a| a.started_time == token.started_time && a.attempt == token.attempt);
        if live {
            self.step(token.execution, |t| t.undo_activity_start(token.scheduled_event_id));
        }
    }
}

fn nexus_task(task: PollNexusTaskQueueResponse) -> Answer {
    Answer::PollNexusTask(Box::new(task))
}

/// Whether the worker should keep more polls waiting on this queue, or fewer.
fn advice(task: &Task, poller: &Poller, now: Time) -> Option<PollerScalingDecision> {
    let poll_request_delta_suggestion = if now - poller.since >= POLLS_TOO_MANY {
        -1
    } else if now - task.added > POLLS_TOO_FEW {
        1
    } else {
        return None;
    };
    Some(PollerScalingDecision { poll_request_delta_suggestion })
}

fn advised(mut answer: Answer, advice: Option<PollerScalingDecision>) -> Answer {
    match &mut answer {
        Answer::PollWorkflowTask(task) => task.response.poller_scaling_decision = advice,
        Answer::PollActivityTask(task) => task.poller_scaling_decision = advice,
        Answer::PollNexusTask(task) => task.poller_scaling_decision = advice,
        _ => {}
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_waits_of_polls_and_of_tasks_are_told_apart() {
        let delta = |since: Time, added: Time| {
            let poller = Poller { since, ..Default::default() };
            let task = Task::new(1, Work::WorkflowTask, added);
            advice(&task, &poller, (10 * SECOND).since_epoch()).map(|advice| advice.poll_request_delta_suggestion)
        };
        assert_eq!(delta((9 * SECOND).since_epoch(), (10 * SECOND).since_epoch()), Some(-1));
        assert_eq!(delta((10 * SECOND).since_epoch(), (9 * SECOND).since_epoch()), Some(1));
        assert_eq!(delta((10 * SECOND - MILLISECOND).since_epoch(), (10 * SECOND - MILLISECOND).since_epoch()), None);
    }
}
