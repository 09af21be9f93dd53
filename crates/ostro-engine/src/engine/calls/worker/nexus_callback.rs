//! Ends that go out to URLs, and those that come in from handlers outside.

use prost::Message;
use temporalio_protos::temporal::api::common::v1::{Callback, callback::Variant};

use crate::base::error::{Error, Result};
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::execution::nexus::token_fault;
use crate::nexus::callback::{self, Address};
use crate::nexus::outgoing::{CallbackAnswered, CompleteNexusOperation};
use crate::stored::persistence::Loader;

answers! {
    CallbackAnswered: |engine, request| engine.callback_answered(request);
    CompleteNexusOperation: |engine, request| engine.complete_nexus_operation(request);
}

impl<L: Loader> Engine<L> {
    /// An answer that comes after its attempt was given up is nothing.
    pub(crate) fn callback_answered(&mut self, answered: CallbackAnswered) -> Result<()> {
        let CallbackAnswered { attempt, outcome } = answered;
        if self.load(attempt.execution) {
            self.step(attempt.execution, |t| t.callback_answered(&attempt, outcome));
        }
        Ok(())
    }

    /// Refuses callbacks to this server whose tokens are none of its own.
    ///
    /// # Errors
    /// INVALID_ARGUMENT.
    pub(crate) fn check_callbacks(&self, callbacks: &[Callback]) -> Result<()> {
        // What is no Nexus callback fails when it is due.
        let mut nexus = callbacks.iter().filter(|each| matches!(each.variant, Some(Variant::Nexus(_))));
        nexus.try_for_each(|each| callback::destination(each, &self.seals).map(drop).map_err(Error::invalid))
    }

    /// # Errors
    /// INVALID_ARGUMENT for a token that is none of this server or of another namespace; NOT_FOUND where nobody waits.
    pub(crate) fn complete_nexus_operation(&mut self, request: CompleteNexusOperation) -> Result<()> {
        let invalid = || Error::invalid("invalid callback token: hand back that of the request unchanged");
        let address = Address::parse(&self.seals, &request.callback_token).ok_or_else(invalid)?;
        let namespace = self.namespaces.by_id(address.namespace).ok_or_else(invalid)?;
        if request.namespace.is_some_and(|name| name != namespace.name) {
            return Err(invalid());
        }
        if let Some(fault) = token_fault(&request.operation_token) {
            return Err(Error::invalid(format!("operation token {fault}")));
        }
        if request.completion.result.as_ref().map_or(0, Message::encoded_len) > self.config.blob_bytes_max {
            return Err(Error::invalid("result exceeds size limit"));
        }
        let missing = || Error::not_found("the operation is gone: it has ended, or nobody waits for it any more");
        let operation = self.waiting_operation(&address)?.ok_or_else(missing)?;
        let (event, token) = (address.scheduled_event_id, request.operation_token);
        self.step(operation, |t| {
            t.nexus_called_back(event, token, request.completion);
            t.terminate_if_too_large();
        });
        Ok(())
    }
}
