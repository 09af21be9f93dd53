//! A patch: a marker that says which code a run began with.
//!
//! | history | code | what happens |
//! |---|---|---|
//! | new | asks | a marker is written, the answer is yes |
//! | marker | asks | the answer is yes |
//! | replay, no marker | asks | the answer is no, and nothing is written |
//! | marker | does not ask | nondeterminism: this code never had the patch, or lost it too early |
//! | deprecated marker | does not ask | the marker is passed over |
//! | any | deprecates | a deprecated marker, as if it asked; old code must be gone |
//!
//! The core tells the code of markers before it asks (`Job::HasPatch`), so asking never waits.

use std::collections::BTreeSet;

use temporalio_protos::VERSION_SEARCH_ATTR_KEY;
use temporalio_protos::constants::PATCH_MARKER_NAME;
use temporalio_protos::coresdk::{
    AsJsonPayloadExt as _,
    common::{build_has_change_marker_details, decode_change_marker_details},
};
use temporalio_protos::temporal::api::{
    command::v1::{
        Command, RecordMarkerCommandAttributes, UpsertWorkflowSearchAttributesCommandAttributes,
        command::Attributes as Command_,
    },
    common::v1::SearchAttributes,
    enums::v1::CommandType,
    history::v1::{HistoryEvent, history_event::Attributes},
};

use super::transition::{step, transitions};
use super::{Context, Effects, unexpected_command, unexpected_event};
use crate::replay::decision::Annotations;
use crate::replay::error::{Error, Result};

/// Values of search attributes as long as this are refused by servers, so they are not written.
const SEARCH_ATTRIBUTE_BYTES_MAX: usize = 2048;

transitions! { Patch, "a patch":
    Created -- Sent --> Sent;
    Sent -- Recorded --> Recorded;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Sent,
    Recorded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    Sent,
    Recorded,
}

#[derive(Debug)]
pub(crate) struct Patch {
    state: State,
    id: String,
}

impl Patch {
    /// The patch and the command that records its marker.
    pub fn new(id: String, deprecated: bool, annotations: &Annotations) -> Result<(Self, Command)> {
        let details = build_has_change_marker_details(&id, deprecated)
            .map_err(|error| Error::fatal(format!("the marker of patch `{id}` cannot be written: {error}")))?;
        let attributes = RecordMarkerCommandAttributes {
            marker_name: PATCH_MARKER_NAME.to_owned(),
            details,
            ..RecordMarkerCommandAttributes::default()
        };
        let command = annotations.on(Command_::RecordMarkerCommandAttributes(attributes));
        Ok((Self { state: State::Created, id }, command))
    }

    /// The search attribute that lists all patches of the run; None if it would be too long.
    pub fn upsert(all: &BTreeSet<&str>) -> Result<Option<UpsertWorkflowSearchAttributesCommandAttributes>> {
        let mut value = all
            .as_json_payload()
            .map_err(|error| Error::fatal(format!("the list of patches cannot be written: {error}")))?;
        if value.data.len() >= SEARCH_ATTRIBUTE_BYTES_MAX {
            return Ok(None);
        }
        value.metadata.insert("type".to_owned(), b"KeywordList".to_vec());
        let indexed_fields = [(VERSION_SEARCH_ATTR_KEY.to_owned(), value)].into();
        let search_attributes = Some(SearchAttributes { indexed_fields });
        Ok(Some(UpsertWorkflowSearchAttributesCommandAttributes { search_attributes }))
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn is_over(&self) -> bool {
        self.state == State::Recorded
    }

    pub fn on_command(&mut self, command: CommandType) -> Result<()> {
        if command != CommandType::RecordMarker {
            return unexpected_command("a patch", command);
        }
        step::<Self>(&mut self.state, Trigger::Sent)
    }

    pub fn on_event(&mut self, event: HistoryEvent, _: &mut Context<'_>, _: &mut Effects) -> Result<()> {
        let Some((id, _)) = marker(&event) else { return unexpected_event("a patch", &event) };
        if id != self.id {
            let what = format!("the history has patch `{id}` where the code asks for patch `{}`", self.id);
            return Err(Error::nondeterminism(what));
        }
        step::<Self>(&mut self.state, Trigger::Recorded)
    }
}

/// Id of a patch and whether it is deprecated, if the event is its marker.
pub(crate) fn marker(event: &HistoryEvent) -> Option<(String, bool)> {
    match &event.attributes {
        Some(Attributes::MarkerRecordedEventAttributes(marker)) if marker.marker_name == PATCH_MARKER_NAME => {
            decode_change_marker_details(&marker.details)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::machine::transition::taken;
    use crate::replay::testing::{attributes, context, run};

    #[test]
    fn takes_every_row() {
        let (mut patch, command) = Patch::new("p".to_owned(), false, &Annotations::default()).unwrap();
        let event = attributes::marker(&command);
        assert_eq!(marker(&event), Some(("p".to_owned(), false)));
        patch.on_command(CommandType::RecordMarker).unwrap();
        run(|out| patch.on_event(event.clone(), &mut context!(), out));
        assert!(patch.is_over());
        let (mut other, _) = Patch::new("q".to_owned(), false, &Annotations::default()).unwrap();
        other.on_command(CommandType::RecordMarker).unwrap();
        let error = other.on_event(event, &mut context!(), &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("patch `p` where the code asks for patch `q`"), "{error}");
        taken::all_of::<Patch>();
    }

    #[test]
    fn a_list_of_patches_that_servers_would_refuse_is_left_out() {
        let long = "x".repeat(2048);
        assert!(Patch::upsert(&BTreeSet::from([long.as_str()])).unwrap().is_none());
        assert!(Patch::upsert(&BTreeSet::from(["a", "b"])).unwrap().is_some());
    }
}
