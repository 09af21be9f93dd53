//! An update: accepted or refused by its validator, then completed by its handler.
//!
//! Its answers are messages; those that leave an event have a command as well, which says where among the others they belong.

use prost::Message as _;
use prost_wkt_types::Any;
use temporalio_protos::temporal::api::{
    command::v1::{Command, ProtocolMessageCommandAttributes, command::Attributes as Command_},
    common::v1::{Payload, Payloads},
    enums::v1::CommandType,
    failure::v1::Failure,
    history::v1::{HistoryEvent, history_event::Attributes},
    protocol::v1::{Message, message::SequencingId},
    update::v1::{Acceptance, Meta, Outcome, Rejection, Request, Response, outcome::Value},
};

use super::transition::{step, transitions};
use super::{Context, Effect, Effects, unexpected_command, unexpected_event};
use crate::replay::decision::Annotations;
use crate::replay::error::{Error, Result};
use crate::replay::job::{Job, Update as UpdateJob};

transitions! { Update, "an update":
    Requested -- Accept --> Accepted;
    Requested -- Fail --> Rejected;
    Accepted -- Sent --> AcceptSent;
    Accepted -- Complete --> CompletedAtOnce;
    Accepted -- Fail --> CompletedAtOnce;
    AcceptSent -- AcceptRecorded --> AcceptRecorded;
    AcceptSent -- Complete --> CompletedAcceptSent;
    AcceptSent -- Fail --> CompletedAcceptSent;
    AcceptRecorded -- Complete --> Completed;
    AcceptRecorded -- Fail --> Completed;
    Completed -- Sent --> CompleteSent;
    CompleteSent -- CompleteRecorded --> CompleteRecorded;
    CompletedAtOnce -- Sent --> CompletedAcceptSent;
    CompletedAcceptSent -- Sent --> BothSent;
    BothSent -- AcceptRecorded --> CompleteSent;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Requested,
    Accepted,
    Rejected,
    AcceptSent,
    AcceptRecorded,
    Completed,
    CompleteSent,
    CompleteRecorded,
    CompletedAtOnce,
    CompletedAcceptSent,
    BothSent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Accept,
    Complete,
    Fail,
    Sent,
    AcceptRecorded,
    CompleteRecorded,
}

/// The message that brings an update, or that would have: in a replay it is made from the event that accepted it.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub message_id: String,
    pub instance_id: String,
    /// The event after which it arrived.
    pub after: i64,
    pub request: Request,
}

impl Incoming {
    /// # Errors
    /// The request has no input or no id: no server sends such.
    pub fn new(message_id: String, instance_id: String, after: i64, request: Request) -> Result<Self> {
        if request.input.is_none() || request.meta.is_none() {
            return Err(Error::fatal(format!("update {instance_id} has no input or no id")));
        }
        Ok(Self { message_id, instance_id, after, request })
    }

    /// The request that a task's message brings.
    ///
    /// # Errors
    /// The message is none, or does not say when it arrived.
    pub fn of_message(message: Message) -> Result<Self> {
        let wrong = |what: &str| Error::fatal(format!("message {} of a workflow task {what}", message.id));
        let body = message.body.as_ref().ok_or_else(|| wrong("is empty"))?;
        let request = Request::decode(&*body.value).map_err(|_| wrong("is no request for an update"))?;
        let Some(SequencingId::EventId(after)) = message.sequencing_id else {
            return Err(wrong("does not say after which event it arrived"));
        };
        Self::new(message.id, message.protocol_instance_id, after, request)
    }
}

#[derive(Debug)]
pub(crate) struct Update {
    state: State,
    message_id: String,
    instance_id: String,
    after: i64,
    meta: Option<Meta>,
    /// Until it is accepted.
    request: Option<Request>,
}

impl Update {
    /// The update and what the code hears of it.
    pub fn new(incoming: Incoming, replaying: bool) -> (Self, Job) {
        let job = UpdateJob {
            instance_id: incoming.instance_id.clone(),
            request: incoming.request.clone(),
            run_validator: !replaying,
        };
        let update = Self {
            state: State::Requested,
            message_id: incoming.message_id,
            instance_id: incoming.instance_id,
            after: incoming.after,
            meta: incoming.request.meta.clone(),
            request: Some(incoming.request),
        };
        (update, Job::Update(Box::new(job)))
    }

    pub fn accept(&mut self, out: &mut Effects) -> Result<()> {
        step::<Self>(&mut self.state, Trigger::Accept)?;
        let acceptance = Acceptance {
            accepted_request_message_id: self.message_id.clone(),
            accepted_request_sequencing_event_id: self.after,
            accepted_request: self.request.take(),
        };
        let id = self.say("accept", "Acceptance", acceptance.encode_to_vec(), out);
        command(id, out);
        Ok(())
    }

    /// The validator refuses it, or its handler failed.
    pub fn fail(&mut self, failure: Failure, out: &mut Effects) -> Result<()> {
        step::<Self>(&mut self.state, Trigger::Fail)?;
        if self.state != State::Rejected {
            self.respond(Value::Failure(failure), out);
            return Ok(());
        }
        let rejection = Rejection {
            rejected_request_message_id: self.message_id.clone(),
            rejected_request_sequencing_event_id: self.after,
            rejected_request: self.request.take(),
            failure: Some(failure),
        };
        self.say("reject", "Rejection", rejection.encode_to_vec(), out);
        Ok(())
    }

    pub fn complete(&mut self, result: Payload, out: &mut Effects) -> Result<()> {
        step::<Self>(&mut self.state, Trigger::Complete)?;
        self.respond(Value::Success(Payloads { payloads: vec![result] }), out);
        Ok(())
    }

    fn respond(&self, value: Value, out: &mut Effects) {
        let response = Response { meta: self.meta.clone(), outcome: Some(Outcome { value: Some(value) }) };
        let id = self.say("complete", "Response", response.encode_to_vec(), out);
        command(id, out);
    }

    fn say(&self, what: &str, kind: &str, value: Vec<u8>, out: &mut Effects) -> String {
        let id = format!("{}/{what}", self.message_id);
        let type_url = format!("type.googleapis.com/temporal.api.update.v1.{kind}");
        let message = Message {
            id: id.clone(),
            protocol_instance_id: self.instance_id.clone(),
            body: Some(Any { type_url, value }),
            ..Message::default()
        };
        out.push(Effect::Message(Box::new(message)));
        id
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Rejected | State::CompleteRecorded)
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        if command != CommandType::ProtocolMessage {
            return unexpected_command("an update", command);
        }
        step::<Self>(&mut self.state, Trigger::Sent)
    }

    pub fn on_event(&mut self, event: HistoryEvent, _: &mut Context<'_>, _: &mut Effects) -> Result<()> {
        match &event.attributes {
            Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(_)) => {
                step::<Self>(&mut self.state, Trigger::AcceptRecorded)
            }
            Some(Attributes::WorkflowExecutionUpdateCompletedEventAttributes(_)) => {
                step::<Self>(&mut self.state, Trigger::CompleteRecorded)
            }
            _ => unexpected_event("an update", &event),
        }
    }
}

fn command(message_id: String, out: &mut Effects) {
    let attributes = Command_::ProtocolMessageCommandAttributes(ProtocolMessageCommandAttributes { message_id });
    let command: Command = Annotations::default().on(attributes);
    out.push(Effect::Command(Box::new(command)));
}

#[cfg(test)]
mod tests {
    use temporalio_protos::temporal::api::enums::v1::EventType::*;

    use super::*;
    use crate::replay::machine::transition::taken;
    use crate::replay::testing::{context, event_of, run};

    enum Step {
        Accept,
        Complete,
        Fail,
        Sent,
        AcceptRecorded,
        CompleteRecorded,
    }
    use Step::*;

    /// The ids of the messages that a script sends.
    fn says(script: &[Step]) -> Vec<String> {
        let request =
            Request { meta: Some(Meta { update_id: "u".to_owned(), ..Meta::default() }), ..Request::default() };
        let incoming = Incoming { message_id: "m".to_owned(), instance_id: "i".to_owned(), after: 5, request };
        let (mut update, _) = Update::new(incoming, false);
        let (accepted, completed) = (WorkflowExecutionUpdateAccepted, WorkflowExecutionUpdateCompleted);
        let effects = script.iter().flat_map(|step| match step {
            Accept => run(|out| update.accept(out)),
            Complete => run(|out| update.complete(Payload::default(), out)),
            Fail => run(|out| update.fail(Failure::default(), out)),
            Sent => run(|_| update.on_command(CommandType::ProtocolMessage)),
            AcceptRecorded => run(|out| update.on_event(event_of(accepted), &mut context!(), out)),
            CompleteRecorded => run(|out| update.on_event(event_of(completed), &mut context!(), out)),
        });
        let said = effects
            .filter_map(|effect| match effect {
                Effect::Message(message) => Some(message.id),
                _ => None,
            })
            .collect();
        assert!(update.is_over());
        said
    }

    #[test]
    fn takes_every_row() {
        assert_eq!(says(&[Fail]), ["m/reject"]);
        for end in [|| Complete, || Fail] {
            let both = ["m/accept", "m/complete"];
            let later = [Accept, Sent, AcceptRecorded, end(), Sent, CompleteRecorded];
            assert_eq!(says(&later), both);
            assert_eq!(says(&[Accept, end(), Sent, Sent, AcceptRecorded, CompleteRecorded]), both);
            assert_eq!(says(&[Accept, Sent, end(), Sent, AcceptRecorded, CompleteRecorded]), both);
        }
        taken::all_of::<Update>();
    }
}
