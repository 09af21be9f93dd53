//! A call on its way, and what becomes of it when nobody waits any more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ostro_engine::call::{Answer, ReplyId};
use ostro_engine::error::Result;
use tokio::sync::oneshot;

use super::{EngineHandle, Message, carries_task};

/// Waits for the answer to one call; `None` when the engine has stopped.
pub(super) struct Pending<'a> {
    handle: &'a EngineHandle,
    id: ReplyId,
    receiver: oneshot::Receiver<Result<Answer>>,
    answered: bool,
}

impl<'a> Pending<'a> {
    pub(super) fn new(handle: &'a EngineHandle, id: ReplyId, receiver: oneshot::Receiver<Result<Answer>>) -> Self {
        Self { handle, id, receiver, answered: false }
    }
}

impl Future for Pending<'_> {
    type Output = Option<Result<Answer>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = std::task::ready!(Pin::new(&mut self.receiver).poll(context));
        self.answered = true;
        Poll::Ready(answer.ok())
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        // Closed first: from here on the writer's thread sees that its answer reaches nobody.
        self.receiver.close();
        match self.receiver.try_recv() {
            Ok(Ok(answer)) if carries_task(&answer) => self.handle.undelivered(answer),
            Ok(_) => {}
            Err(_) => self.handle.send(Message::Abandon(self.id)),
        }
    }
}
