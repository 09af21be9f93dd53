//! The network between everybody and the server: it delays, drops and repeats.

use ostro_engine::call::Answer;
use ostro_engine::call::ReplyId;
use ostro_engine::error::Result;
use ostro_engine::time::{MICROSECOND, MILLISECOND, MINUTE, SECOND, Span};

use crate::world::{Call, Event, Purpose, Request, World};

impl World {
    /// Sends a request; the answer comes to `purpose`, or an error after `patience`.
    pub fn send(&mut self, purpose: Purpose, request: Request, patience: Span) -> ReplyId {
        let call = self.next_call;
        self.next_call += 1;
        let is_poll =
            matches!(purpose, Purpose::Poll { .. } | Purpose::PollActivity { .. } | Purpose::PollNexus { .. });
        self.calls.insert(call, Call { purpose, request: request.clone() });
        self.at(patience, Event::GiveUp { call });
        if !self.rng.chance(self.trouble.drops) {
            let delay = self.network_delay();
            self.at(delay, Event::Arrive { call, request: request.clone() });
        } else {
            self.report.faults.drops += 1;
        }
        if !is_poll && self.rng.chance(self.trouble.duplicates) {
            self.report.faults.duplicates += 1;
            let copy = self.next_call;
            self.next_call += 1;
            self.calls.insert(copy, Call { purpose: Purpose::Nobody, request: request.clone() });
            self.at(10 * MINUTE, Event::GiveUp { call: copy });
            let delay = self.network_delay() + self.rng.span(MILLISECOND, 10 * SECOND);
            self.at(delay, Event::Arrive { call: copy, request });
        }
        call
    }

    fn network_delay(&mut self) -> Span {
        match self.rng.below(100) {
            0..10 if self.trouble.slow => self.rng.within(10 * MILLISECOND, 5 * SECOND),
            _ => self.rng.within(50 * MICROSECOND, 2 * MILLISECOND),
        }
    }

    /// An answer leaves the server.
    pub(crate) fn release(&mut self, call: ReplyId, answer: Result<Answer>) -> std::result::Result<(), String> {
        self.trace(|| format!("   #{call} -> {}", answer.as_ref().map_or_else(|e| format!("{e:?}"), short)));
        let name = self.server.name_of(call);
        if answer.is_ok() {
            self.checker.reach(format!("{name} is answered"));
        }
        if let Err(error) = &answer {
            let text: String = error.message.chars().take_while(|c| c.is_alphabetic() || *c == ' ').collect();
            self.checker.reach(format!("{:?}: {text}", error.kind));
        }
        if let Ok(answer) = &answer {
            self.checker.handed_out(self.server.life, answer)?;
        }
        if !self.rng.chance(self.trouble.drops) {
            let delay = self.network_delay();
            self.at(delay, Event::Reply { call, answer });
            return Ok(());
        }
        self.report.faults.drops += 1;
        // The server may notice that its answer did not arrive, or not.
        if self.rng.chance(50)
            && let Ok(answer) = answer
        {
            self.undeliver(answer);
        }
        Ok(())
    }

    pub(crate) fn undeliver(&mut self, answer: Answer) {
        let life = self.server.life;
        let delay = self.rng.within(Span::ZERO, 10 * MILLISECOND);
        self.at(delay, Event::Undelivered { life, answer });
    }
}

/// The beginning of an answer, for traces.
pub(crate) fn short(answer: &Answer) -> String {
    format!("{answer:?}").chars().take(300).collect()
}
