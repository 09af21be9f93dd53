//! Requests by HTTP for the workers of a Nexus queue, from the call that brings one to the worker's answer.
//!
//! ```text
//! AskNexusWorker --> waits on its queue --a worker takes it--> with the worker --answered--> the answer
//!                    waits | with the worker --its time is over, the caller goes--> forgotten
//!                    with the worker --never reached it--> waits on its queue
//! ```

use std::collections::HashMap;

use prost::Message;
use temporalio_protos::temporal::api::{nexus::v1::Request, workflowservice::v1::PollNexusTaskQueueResponse};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::go_duration;
use crate::base::time::{Span, Time, timestamp};
use crate::base::token::TaskToken;
use crate::call::Answer;
use crate::call::ReplyId;
use crate::engine::Engine;
use crate::engine::calls::handle::{Outcome, answers_later};
use crate::engine::memory::waits::{NO_EXECUTION, Wait, WaitKind};
use crate::execution::QueuePosition;
use crate::execution::nexus::{OPERATION_TIMEOUT, set_operation_timeout, set_request_timeout};
use crate::nexus::incoming::{AskNexusWorker, NexusWorkerAnswer};
use crate::queue::{QueueKey, Task, Work};
use crate::stored::persistence::{Loader, QueueKind};

/// What all requests that wait may take together; more are refused.
const BYTES_MAX: usize = 64 << 20;

/// The requests whose callers wait.
#[derive(Debug, Default)]
pub struct Incoming {
    waiting: HashMap<ReplyId, Waiting>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    queue: QueueKey,
    request: Request,
    bytes: usize,
    asked: Time,
    /// When a worker took it; 0: none has.
    taken: Time,
}

answers_later! {
    AskNexusWorker: |engine, reply, request| engine.ask_nexus_worker(reply, request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn ask_nexus_worker(
        &mut self,
        call: ReplyId,
        asked: AskNexusWorker,
    ) -> Result<Outcome<Option<NexusWorkerAnswer>>> {
        let AskNexusWorker { namespace, task_queue, request, within } = asked;
        let namespace = self.namespaces.get(&namespace)?.id;
        let queue = QueueKey::new(namespace, QueueKind::Nexus, task_queue);
        let deadline = self.now + within;
        let bytes = request.encoded_len();
        if self.incoming.bytes + bytes > BYTES_MAX {
            return Err(full(&queue));
        }
        self.incoming.bytes += bytes;
        self.incoming.waiting.insert(call, Waiting { queue, request, bytes, asked: self.now, taken: Time::UNSET });
        self.waits.add(call, Wait { execution: NO_EXECUTION, kind: WaitKind::NexusWorker, deadline });
        if within > Span::ZERO {
            self.offer_incoming(call);
        }
        Ok(Outcome::Later)
    }

    fn offer_incoming(&mut self, call: ReplyId) {
        let Some(waiting) = self.incoming.waiting.get(&call) else { return };
        let queue = waiting.queue.clone();
        // No workflow id says which of the ramping versions it is for.
        let hash = self.ids.next_u64() as u32;
        let (key, task) = self.placed(queue, NO_EXECUTION, Work::NexusIncoming(call), &QueuePosition::default(), hash);
        self.queues.add_task(&key, task);
    }

    /// Hands a request to the worker that was found for it; `None` where nobody waits for the answer any more.
    pub(crate) fn hand_over_incoming(
        &mut self,
        key: &QueueKey,
        task: &Task,
        call: ReplyId,
    ) -> Option<PollNexusTaskQueueResponse> {
        if !self.belongs(key, task, false) {
            return None;
        }
        let (now, deadline) = (self.now, self.waits.deadline(call)?);
        let waiting = self.incoming.waiting.get_mut(&call)?;
        waiting.taken = now;
        let token =
            TaskToken { namespace: key.namespace, incoming: call, started_time: now.nanos(), ..Default::default() };
        let mut request = Request { scheduled_time: timestamp(waiting.asked), ..waiting.request.clone() };
        set_request_timeout(&mut request.header, deadline - now);
        let given = request.header.get(OPERATION_TIMEOUT).and_then(|text| go_duration::parse(text).ok());
        if let Some(span) = given {
            set_operation_timeout(&mut request.header, span - (now - waiting.asked));
        }
        Some(PollNexusTaskQueueResponse {
            task_token: token.to_bytes(&self.seals),
            request: Some(request),
            ..Default::default()
        })
    }

    /// A request did not reach its worker.
    pub(crate) fn take_back_incoming(&mut self, token: &TaskToken) {
        if self.has_taken(token) {
            if let Some(waiting) = self.incoming.waiting.get_mut(&token.incoming) {
                waiting.taken = Time::UNSET;
            }
            self.offer_incoming(token.incoming);
        }
    }

    /// Gives the caller the answer of a worker of `namespace`.
    ///
    /// # Errors
    /// NOT_FOUND where nobody waits for it any more.
    pub(crate) fn answer_incoming(
        &mut self,
        namespace: &str,
        token: &TaskToken,
        answer: NexusWorkerAnswer,
    ) -> Result<()> {
        self.answers_for(namespace, token.namespace)?;
        if !self.has_taken(token) {
            return Err(Error::not_found("Nexus task not found or already expired"));
        }
        self.end_incoming(token.incoming, Some(answer));
        Ok(())
    }

    pub(crate) fn time_out_incoming(&mut self, call: ReplyId) {
        self.end_incoming(call, None);
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn forget_incoming(&mut self, call: ReplyId) {
        let Some(waiting) = self.incoming.waiting.remove(&call) else { return };
        self.incoming.bytes -= waiting.bytes;
        self.queues.withdraw(&waiting.queue, NO_EXECUTION, Work::NexusIncoming(call));
    }

    /// The worker has it. The time tells it from the request of another process that had this number.
    fn has_taken(&self, token: &TaskToken) -> bool {
        let waiting = self.incoming.waiting.get(&token.incoming);
        waiting.is_some_and(|waiting| waiting.taken != Time::UNSET && waiting.taken == token.started_time())
    }

    /// Whether somebody waits for the answer to this call.
    pub(crate) fn awaits_incoming(&self, call: ReplyId) -> bool {
        self.incoming.waiting.contains_key(&call)
    }

    fn end_incoming(&mut self, call: ReplyId, answer: Option<NexusWorkerAnswer>) {
        self.forget_incoming(call);
        self.reply(call, Ok(Answer::AskNexusWorker(Box::new(answer))));
    }
}

fn full(queue: &QueueKey) -> Error {
    let message = format!(
        "Nexus requests that wait for workers take all of their {BYTES_MAX} bytes: start workers on task queue {:?} and \
         others, or ask later",
        queue.name
    );
    Error::new(ErrorKind::ResourceExhausted, message)
}
