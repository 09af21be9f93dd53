//! The engine over a file, one call at a time.

use std::collections::HashMap;
use std::sync::mpsc;

use ostro_engine::call::{Answer, Request, WithDeadline};
use ostro_engine::call::{ReplyId, WorkflowTaskAnswer};
use ostro_engine::config::Config;
use ostro_engine::engine::{Engine, Output, Secrets};
use ostro_engine::error::{Error, Result};
use ostro_engine::ids::Ids;
use ostro_engine::persistence::{ExecutionId, Loader};
use ostro_engine::time::{DAY, SECOND, Time, duration};
use ostro_sim::model::event::{Event, read};
use ostro_store::{Batch, Options, Reader, Store, Writer, abort_on_fatal};
use prost::Message;
use tempfile::TempDir;
use temporalio_protos::temporal::api::{
    enums::v1::TaskQueueKind,
    history::v1::History,
    nexus::v1::{EndpointSpec, EndpointTarget, endpoint_target},
    operatorservice::v1::CreateNexusEndpointRequest,
    taskqueue::v1::TaskQueue,
    workflowservice::v1::*,
};

pub const NAMESPACE: &str = "model";
pub const QUEUE: &str = "queue";
/// Of Nexus operations; handlers have the queue of everybody else.
pub const ENDPOINT: &str = "endpoint";

/// What is open while the process lives.
struct Process {
    engine: Engine<Reader>,
    reader: Reader,
    writer: Writer,
    /// Last: it is closed after those who use it.
    _store: Store,
}

pub struct Real {
    process: Option<Process>,
    directory: TempDir,
    pub now: Time,
    next_reply: ReplyId,
    /// How often a process was started: no two draw the same ids.
    starts: u64,
    answers: HashMap<ReplyId, Result<Answer>>,
}

impl Real {
    pub fn new(now: Time) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut real = Self { process: None, directory, now, next_reply: 1, starts: 0, answers: HashMap::new() };
        real.start();
        real.ask(RegisterNamespaceRequest {
            namespace: NAMESPACE.into(),
            workflow_execution_retention_period: duration(3 * DAY),
            ..Default::default()
        })
        .unwrap();
        let worker = endpoint_target::Worker { namespace: NAMESPACE.into(), task_queue: QUEUE.into() };
        let target = Some(EndpointTarget { variant: Some(endpoint_target::Variant::Worker(worker)) });
        let spec = Some(EndpointSpec { name: ENDPOINT.into(), target, ..Default::default() });
        real.ask(CreateNexusEndpointRequest { spec }).unwrap();
        real
    }

    fn start(&mut self) {
        let store =
            Store::open(self.directory.path().join("ostro.db"), Options { durable: false, ..Default::default() })
                .unwrap();
        let recovery = store.recover().unwrap();
        let reader = || store.reader(abort_on_fatal()).unwrap();
        // A little cache: executions leave memory and come back.
        let config = Config { cache_bytes_max: 8 * 1024, ..Config::default() };
        self.starts += 1;
        let seed = Ids::predictable(self.starts).next_u64();
        let engine = Engine::new(config, reader(), recovery, Secrets::predictable(seed), self.now);
        let (reader, writer) = (reader(), store.writer(abort_on_fatal()).unwrap());
        self.process = Some(Process { engine, reader, writer, _store: store });
    }

    /// The process dies and another comes up over its file.
    pub fn restart(&mut self) {
        self.process = None;
        self.answers.clear();
        self.start();
    }

    fn process(&mut self) -> &mut Process {
        self.process.as_mut().unwrap()
    }

    fn take(&mut self, output: Output) {
        let process = self.process();
        if !output.writes.is_empty() {
            // By this thread, as nothing else waits: 200 seeds take 40 000 commits, and a change of threads takes longer.
            let (sender, committed) = mpsc::channel();
            let done = Box::new(move || sender.send(()).unwrap_or(()));
            process.writer.commit_or_submit(vec![Batch { writes: output.writes, done }]);
            committed.recv().unwrap();
        }
        process.engine.committed(output.sequence);
        for reply in output.replies {
            assert!(self.answers.insert(reply.id, reply.answer).is_none(), "call {} was answered twice", reply.id);
        }
    }

    pub fn advance(&mut self, until: Time) {
        while let Some(due) = self.process().engine.next_wake_up().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let now = self.now;
            let output = self.process().engine.tick(now);
            self.take(output);
        }
        self.now = until;
    }

    pub fn send<C: Request>(&mut self, call: C) -> ReplyId {
        let (id, now) = (self.next_reply, self.now);
        self.next_reply += 1;
        let output = self.process().engine.handle(now, id, call.into_call());
        self.take(output);
        id
    }

    pub fn answer<C: Request>(&mut self, id: ReplyId) -> Option<Result<C::Answer>> {
        let answer = self.answers.remove(&id)?;
        Some(answer.map(|answer| C::from_answer(answer).expect("the answer has the type of the call")))
    }

    /// A call that is answered at once.
    pub fn ask<C: Request>(&mut self, call: C) -> Result<C::Answer> {
        let id = self.send(call);
        self.answer::<C>(id).expect("this call is answered at once")
    }

    /// A poll that does not wait.
    fn poll<C: Request>(&mut self, call: C) -> Option<C::Answer> {
        let id = self.send(call);
        let answer = self.answer::<C>(id);
        if answer.is_none() {
            let now = self.now;
            let output = self.process().engine.abandon(now, id);
            self.take(output);
        }
        answer.map(|answer| answer.map_err(|error: Error| error.message).unwrap())
    }

    pub fn workflow_task(&mut self) -> Option<WorkflowTaskAnswer> {
        let request =
            PollWorkflowTaskQueueRequest { namespace: NAMESPACE.into(), task_queue: queue(), ..Default::default() };
        self.poll(WithDeadline { request, deadline: Time::MAX })
    }

    pub fn activity_task(&mut self) -> Option<PollActivityTaskQueueResponse> {
        let request =
            PollActivityTaskQueueRequest { namespace: NAMESPACE.into(), task_queue: queue(), ..Default::default() };
        self.poll(WithDeadline { request, deadline: Time::MAX })
    }

    pub fn nexus_task(&mut self) -> Option<PollNexusTaskQueueResponse> {
        let request =
            PollNexusTaskQueueRequest { namespace: NAMESPACE.into(), task_queue: queue(), ..Default::default() };
        self.poll(WithDeadline { request, deadline: Time::MAX })
    }

    /// The stored history, in the words of the model.
    pub fn history(&mut self, run: ExecutionId) -> Vec<Event> {
        let batches = self.process().reader.history(run, 1, i64::MAX).unwrap();
        let events = batches.iter().flat_map(|batch| History::decode(batch.events.as_ref()).unwrap().events);
        events.map(|event| read(&event)).collect()
    }

    /// How many runs there are.
    pub fn runs(&mut self) -> i64 {
        let reader = &self.process().reader;
        (1..).take_while(|run| reader.load(*run).unwrap().is_some()).count() as i64
    }
}

pub fn queue() -> Option<TaskQueue> {
    Some(TaskQueue { name: QUEUE.into(), kind: TaskQueueKind::Normal as i32, ..Default::default() })
}

pub fn start_of_time() -> Time {
    (1_800_000_000 * SECOND).since_epoch()
}
