//! How a call is answered.

use crate::base::error::Result;
use crate::call::{ReplyId, Request};
use crate::engine::Engine;
use crate::stored::persistence::Loader;

/// What comes of a call.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome<A> {
    /// Its answer, in the output of the call.
    Now(A),
    /// The call waits: a later output answers it.
    Later,
}

impl<A> Outcome<A> {
    pub(crate) fn map<B>(self, f: impl FnOnce(A) -> B) -> Outcome<B> {
        match self {
            Self::Now(answer) => Outcome::Now(f(answer)),
            Self::Later => Outcome::Later,
        }
    }
}

/// What the engine does with a request. Every request of the table in [`call`](crate::call) has one implementation, beside
/// what it calls; without it the crate does not compile.
pub(crate) trait Handle<L: Loader>: Request {
    /// Does what is asked. `reply` names the call, for those that wait.
    ///
    /// # Errors
    /// The answer, where it is an error.
    fn handle(self, engine: &mut Engine<L>, reply: ReplyId) -> Result<Outcome<Self::Answer>>;
}

/// `Request: |engine, request| answer;`: calls that are answered at once.
macro_rules! answers {
    ($($request:ty: |$engine:ident, $asked:ident| $answer:expr;)*) => {$(
        impl<L: $crate::stored::persistence::Loader> $crate::engine::calls::handle::Handle<L> for $request {
            fn handle(
                self,
                $engine: &mut $crate::engine::Engine<L>,
                _reply: $crate::call::ReplyId,
            ) -> $crate::base::error::Result<$crate::engine::calls::handle::Outcome<Self::Answer>> {
                let $asked = self;
                let answer: $crate::base::error::Result<Self::Answer> = $answer;
                answer.map($crate::engine::calls::handle::Outcome::Now)
            }
        }
    )*};
}

/// `Request: |engine, reply, request| outcome;`: calls that may have to wait for their answer.
macro_rules! answers_later {
    ($($request:ty: |$engine:ident, $reply:ident, $asked:ident| $outcome:expr;)*) => {$(
        impl<L: $crate::stored::persistence::Loader> $crate::engine::calls::handle::Handle<L> for $request {
            fn handle(
                self,
                $engine: &mut $crate::engine::Engine<L>,
                $reply: $crate::call::ReplyId,
            ) -> $crate::base::error::Result<$crate::engine::calls::handle::Outcome<Self::Answer>> {
                let $asked = self;
                $outcome
            }
        }
    )*};
}

pub(crate) use {answers, answers_later};
