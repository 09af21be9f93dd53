//! An engine over a store in memory, with a clock that the test moves and a restart at any moment.

pub mod memory;
pub mod nexus;

use std::collections::HashMap;

use ostro_engine::call::{Answer, Request, WithDeadline};
use ostro_engine::call::{ReplyId, WorkflowTaskAnswer};
use ostro_engine::config::Config;
use ostro_engine::engine::{Engine, Output, Secrets};
use ostro_engine::error::{Error, Result};
use ostro_engine::persistence::{ExecutionId, Loader};
use ostro_engine::time::{SECOND, Span, Time};
use prost::Message;
use temporalio_protos::temporal::api::{
    command::v1::{Command, command::Attributes},
    common::v1::{ActivityType, Payload, Payloads, WorkflowExecution, WorkflowType},
    enums::v1::{CommandType, EventType, TaskQueueKind},
    history::v1::{History, HistoryEvent},
    taskqueue::v1::{StickyExecutionAttributes, TaskQueue},
    workflowservice::v1::*,
};

pub use memory::Memory;

pub const NAMESPACE: &str = "default";
pub const QUEUE: &str = "queue";

pub struct World {
    pub engine: Engine<Memory>,
    pub store: Memory,
    pub now: Time,
    next_reply: ReplyId,
    answers: HashMap<ReplyId, Result<Answer>>,
    config: Config,
}

impl World {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        let store = Memory::default();
        let now = Time::from_secs(1_800_000_000);
        let engine = Engine::new(config.clone(), store.clone(), store.recover(), Secrets::predictable(1), now);
        let mut world = Self { engine, store, now, next_reply: 1, answers: HashMap::new(), config };
        world
            .ask(RegisterNamespaceRequest {
                namespace: NAMESPACE.into(),
                workflow_execution_retention_period: ostro_engine::time::duration(72 * 3600 * SECOND),
                ..Default::default()
            })
            .unwrap();
        world
    }

    /// The process dies and comes back: what was not written is gone.
    pub fn restart(&mut self) {
        let secrets = Secrets::predictable(self.now.nanos() as u64);
        self.engine = Engine::new(self.config.clone(), self.store.clone(), self.store.recover(), secrets, self.now);
    }

    pub fn advance(&mut self, span: Span) {
        let end = self.now + span;
        while let Some(due) = self.engine.next_wake_up().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let output = self.engine.tick(self.now);
            self.take(output);
        }
        self.now = end;
    }

    fn take(&mut self, output: Output) {
        self.store.commit(output.writes);
        self.engine.committed(output.sequence);
        for reply in output.replies {
            assert!(self.answers.insert(reply.id, reply.answer).is_none(), "call {} was answered twice", reply.id);
        }
    }

    /// Sends a call; its answer may come later.
    pub fn send<C: Request>(&mut self, call: C) -> ReplyId {
        let id = self.next_reply;
        self.next_reply += 1;
        let output = self.engine.handle(self.now, id, call.into_call());
        self.take(output);
        id
    }

    /// The client of a call goes away.
    pub fn abandon(&mut self, id: ReplyId) {
        let output = self.engine.abandon(self.now, id);
        self.take(output);
    }

    /// The answer to a call, if it has come.
    pub fn answer<C: Request>(&mut self, id: ReplyId) -> Option<Result<C::Answer>> {
        let answer = self.answers.remove(&id)?;
        Some(answer.map(|answer| C::from_answer(answer).expect("the answer has the type of the call")))
    }

    /// Sends a call that is answered at once.
    pub fn ask<C: Request>(&mut self, call: C) -> Result<C::Answer> {
        let id = self.send(call);
        self.answer::<C>(id).expect("this call is answered at once")
    }

    pub fn start(&mut self, workflow_id: &str) -> String {
        self.ask(start_request(workflow_id)).unwrap().response.run_id
    }

    pub fn poll_workflow(&mut self) -> ReplyId {
        self.send(WithDeadline { request: poll_request(QUEUE, TaskQueueKind::Normal), deadline: Time::MAX })
    }

    pub fn try_workflow_task(&mut self) -> Option<WorkflowTaskAnswer> {
        let id = self.poll_workflow();
        let answer = self.answer::<WithDeadline<PollWorkflowTaskQueueRequest>>(id);
        if answer.is_none() {
            let output = self.engine.abandon(self.now, id);
            self.take(output);
        }
        answer.map(|a| a.unwrap())
    }

    pub fn workflow_task(&mut self) -> WorkflowTaskAnswer {
        self.try_workflow_task().expect("a workflow task waits")
    }

    pub fn try_activity_task(&mut self) -> Option<PollActivityTaskQueueResponse> {
        let request = PollActivityTaskQueueRequest {
            namespace: NAMESPACE.into(),
            task_queue: Some(queue(QUEUE)),
            identity: "activity-worker".into(),
            ..Default::default()
        };
        let id = self.send(WithDeadline { request, deadline: Time::MAX });
        let answer = self.answer::<WithDeadline<PollActivityTaskQueueRequest>>(id);
        if answer.is_none() {
            let output = self.engine.abandon(self.now, id);
            self.take(output);
        }
        answer.map(|a| a.unwrap())
    }

    pub fn activity_task(&mut self) -> PollActivityTaskQueueResponse {
        self.try_activity_task().expect("an activity task waits")
    }

    pub fn complete(&mut self, task: &WorkflowTaskAnswer, commands: Vec<Command>) -> Result<()> {
        self.ask(RespondWorkflowTaskCompletedRequest {
            task_token: task.response.task_token.clone(),
            commands,
            identity: "workflow-worker".into(),
            namespace: NAMESPACE.into(),
            ..Default::default()
        })
        .map(drop)
    }

    pub fn complete_sticky(&mut self, task: &WorkflowTaskAnswer, commands: Vec<Command>, sticky: &str) {
        self.ask(RespondWorkflowTaskCompletedRequest {
            task_token: task.response.task_token.clone(),
            commands,
            sticky_attributes: Some(StickyExecutionAttributes {
                worker_task_queue: Some(TaskQueue {
                    name: sticky.into(),
                    kind: TaskQueueKind::Sticky as i32,
                    normal_name: QUEUE.into(),
                }),
                schedule_to_start_timeout: ostro_engine::time::duration(10 * SECOND),
            }),
            namespace: NAMESPACE.into(),
            ..Default::default()
        })
        .unwrap();
    }

    pub fn complete_activity(&mut self, task: &PollActivityTaskQueueResponse) -> Result<()> {
        self.ask(RespondActivityTaskCompletedRequest {
            task_token: task.task_token.clone(),
            result: Some(payloads("done")),
            namespace: NAMESPACE.into(),
            ..Default::default()
        })
        .map(drop)
    }

    pub fn signal(&mut self, workflow_id: &str, name: &str) -> Result<()> {
        self.ask(SignalWorkflowExecutionRequest {
            namespace: NAMESPACE.into(),
            workflow_execution: Some(execution(workflow_id)),
            signal_name: name.into(),
            ..Default::default()
        })
        .map(drop)
    }

    pub fn terminate(&mut self, workflow_id: &str) -> Result<()> {
        self.ask(TerminateWorkflowExecutionRequest {
            namespace: NAMESPACE.into(),
            workflow_execution: Some(execution(workflow_id)),
            ..Default::default()
        })
        .map(drop)
    }

    pub fn id(&self, workflow_id: &str) -> ExecutionId {
        self.store.newest_run(1, workflow_id).unwrap().expect("the workflow exists")
    }

    /// The stored history.
    pub fn history(&self, workflow_id: &str) -> Vec<HistoryEvent> {
        let batches = self.store.history(self.id(workflow_id), 1, i64::MAX).unwrap();
        let events: Vec<_> = batches.iter().flat_map(|b| History::decode(b.events.as_ref()).unwrap().events).collect();
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.event_id, index as i64 + 1, "event ids have no gap");
        }
        events
    }

    pub fn event_types(&self, workflow_id: &str) -> Vec<EventType> {
        self.history(workflow_id).iter().map(|e| e.event_type()).collect()
    }

    pub fn describe(&mut self, workflow_id: &str) -> DescribeWorkflowExecutionResponse {
        let execution = Some(execution(workflow_id));
        self.ask(DescribeWorkflowExecutionRequest { namespace: NAMESPACE.into(), execution }).unwrap()
    }
}

pub fn start_request(workflow_id: &str) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_id: workflow_id.into(),
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: Some(queue(QUEUE)),
        request_id: format!("start-{workflow_id}"),
        identity: "client".into(),
        ..Default::default()
    }
}

pub fn update_request(workflow_id: &str, update_id: &str) -> UpdateWorkflowExecutionRequest {
    use temporalio_protos::temporal::api::update::v1::{Input, Meta, Request, WaitPolicy};
    UpdateWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        workflow_execution: Some(execution(workflow_id)),
        wait_policy: Some(WaitPolicy { lifecycle_stage: 3 }),
        request: Some(Request {
            meta: Some(Meta { update_id: update_id.into(), ..Default::default() }),
            input: Some(Input { name: "update".into(), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub fn poll_request(name: &str, kind: TaskQueueKind) -> PollWorkflowTaskQueueRequest {
    PollWorkflowTaskQueueRequest {
        namespace: NAMESPACE.into(),
        task_queue: Some(TaskQueue { name: name.into(), kind: kind as i32, normal_name: QUEUE.into() }),
        identity: "workflow-worker".into(),
        ..Default::default()
    }
}

pub fn queue(name: &str) -> TaskQueue {
    TaskQueue { name: name.into(), kind: TaskQueueKind::Normal as i32, ..Default::default() }
}

pub fn execution(workflow_id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: workflow_id.into(), run_id: String::new() }
}

pub fn payloads(text: &str) -> Payloads {
    let payload = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: serde_json::to_vec(text).unwrap(),
        ..Default::default()
    };
    Payloads { payloads: vec![payload] }
}

pub fn command(kind: CommandType, attributes: impl Into<Attributes>) -> Command {
    Command { command_type: kind as i32, attributes: Some(attributes.into()), ..Default::default() }
}

pub fn schedule_activity(
    id: &str,
) -> temporalio_protos::temporal::api::command::v1::ScheduleActivityTaskCommandAttributes {
    temporalio_protos::temporal::api::command::v1::ScheduleActivityTaskCommandAttributes {
        activity_id: id.into(),
        activity_type: Some(ActivityType { name: "activity".into() }),
        task_queue: Some(queue(QUEUE)),
        start_to_close_timeout: ostro_engine::time::duration(10 * SECOND),
        ..Default::default()
    }
}

pub fn complete_workflow() -> Command {
    command(
        CommandType::CompleteWorkflowExecution,
        temporalio_protos::temporal::api::command::v1::CompleteWorkflowExecutionCommandAttributes {
            result: Some(payloads("result")),
        },
    )
}

pub fn kind_of(error: &Error) -> ostro_engine::ErrorKind {
    error.kind
}
