//! Which pending activities a request of an operator means.

use crate::base::error::{Error, Result};
use crate::execution::Execution;

/// How an operator names activities.
#[derive(Debug, Clone)]
pub(crate) enum Selection {
    Id(String),
    /// All pending ones of this type.
    Type(String),
    All,
}

impl Execution {
    /// The scheduled event ids of the activities that are meant: at least one.
    ///
    /// # Errors
    /// NOT_FOUND, in the reference server's words, where there is none such or the run has closed.
    pub(crate) fn select_activities(&self, selection: &Selection) -> Result<Vec<i64>> {
        if !self.is_open() {
            return Err(Error::not_found("workflow execution already completed"));
        }
        let pending = self.activities.values();
        let selected: Vec<i64> = match selection {
            Selection::Id(id) => self.activity_ids.get(id).copied().into_iter().collect(),
            Selection::Type(name) => pending.filter(|a| a.type_name() == name).map(|a| a.scheduled_event_id).collect(),
            Selection::All => pending.map(|a| a.scheduled_event_id).collect(),
        };
        if selected.is_empty() {
            let message = "Can't find pending activity with such ID. Invalid activityID or activity already completed";
            return Err(Error::not_found(message));
        }
        Ok(selected)
    }
}
