//! Looks ahead into the next sequence: its markers and accepted updates belong to what the code is about to do.

use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};

use super::Execution;
use super::apply::Admitted;
use super::slots::Kind;
use crate::replay::error::{Error, Result};
use crate::replay::job::Job;
use crate::replay::machine::{Incoming, Machine, Recorded, Update, patch_marker, recorded};

enum Found {
    Patch(String),
    Local(Box<Recorded>),
    Update(Box<Incoming>),
}

impl Execution {
    pub(super) fn look_ahead(&mut self, from: i64, mut admitted: Admitted) -> Result<()> {
        let mut found = Vec::new();
        for event in self.window.peek(from) {
            found.extend(look_at(event, &mut admitted)?);
        }
        for found in found {
            match found {
                Found::Patch(id) => {
                    self.patches.insert(id.clone(), false);
                    self.jobs.push(Job::HasPatch(id));
                }
                Found::Local(recorded) => self.know_local(*recorded)?,
                Found::Update(update) => self.begin_update(*update),
            }
        }
        Ok(())
    }

    fn know_local(&mut self, recorded: Recorded) -> Result<()> {
        let seq = recorded.data.seq;
        // It may be scheduled later in this replay.
        let wanted = match self.slots.find(Kind::LocalActivity, seq) {
            Err(_) => true,
            Ok(None) => false,
            Ok(Some(id)) => self.local(id)?.takes_marker(),
        };
        if wanted {
            self.locals.know(seq, recorded.resolution);
            self.apply_known_locals(false)?;
        }
        Ok(())
    }

    /// Tells the code of local activities whose markers were found, in their order: up to one that it has not scheduled yet, or, unless
    /// `early`, one that belongs to a later activation.
    pub(super) fn apply_known_locals(&mut self, early: bool) -> Result<()> {
        while let Some(seq) = self.locals.next_known(early) {
            let Ok(Some(id)) = self.slots.find(Kind::LocalActivity, seq) else { break };
            let Some(resolution) = self.locals.take_known(seq) else { break };
            let mut out = Vec::new();
            self.local(id)?.resolve_known(resolution, &mut out)?;
            self.carry_out(id, out)?;
        }
        Ok(())
    }

    /// Ends that wait for a later activation are told now if there will be none: this replay differs from what happened in a way that is
    /// allowed, or an older SDK counted otherwise.
    pub(super) fn release_held_locals(&mut self) -> Result<()> {
        if self.has_jobs() { Ok(()) } else { self.apply_known_locals(true) }
    }

    pub(super) fn begin_update(&mut self, incoming: Incoming) {
        let instance = incoming.instance_id.clone();
        let (update, job) = Update::new(incoming, self.replaying);
        self.slots.insert_update(Machine::Update(Box::new(update)), instance);
        self.jobs.push(job);
    }
}

fn look_at(event: &HistoryEvent, admitted: &mut Admitted) -> Result<Option<Found>> {
    if let Some((id, _)) = patch_marker(event) {
        return Ok(Some(Found::Patch(id)));
    }
    if let Some(recorded) = recorded(event) {
        return Ok(Some(Found::Local(Box::new(recorded?))));
    }
    let Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(accepted)) = &event.attributes else {
        return Ok(None);
    };
    if let Some(update) = admitted.remove(&accepted.protocol_instance_id) {
        return Ok(Some(Found::Update(Box::new(update))));
    }
    let request = accepted
        .accepted_request
        .clone()
        .ok_or_else(|| Error::fatal(format!("event {} accepts an update and does not have it", event.event_id)))?;
    let incoming = Incoming::new(
        accepted.accepted_request_message_id.clone(),
        accepted.protocol_instance_id.clone(),
        accepted.accepted_request_sequencing_event_id,
        request,
    )?;
    Ok(Some(Found::Update(Box::new(incoming))))
}
