//! Which activity, and which attempt of it, a worker speaks of.

use crate::base::error::{Error, Result};
use crate::base::token::TaskToken;
use crate::execution::Execution;
use crate::execution::standalone::activity::activity_id;

/// How a worker names an activity.
#[derive(Debug, Clone)]
pub(crate) enum ActivityRef {
    /// By the token of the attempt: another attempt does not match.
    Token(Box<TaskToken>),
    /// By activity id: whichever attempt runs.
    Id(String),
}

impl Execution {
    /// The scheduled event id of the activity that runs and is meant.
    ///
    /// # Errors
    /// NOT_FOUND, in the reference server's words, where there is none such.
    pub(crate) fn running_activity(&self, activity: &ActivityRef) -> Result<i64> {
        if !self.is_open() {
            return Err(Error::not_found(match self.is_standalone() {
                true => format!("activity not found for ID: {}", activity_id(&self.core.workflow_id)),
                false => "workflow execution already completed".to_owned(),
            }));
        }
        let found = match activity {
            ActivityRef::Token(token) => self
                .activities
                .get(&token.scheduled_event_id)
                .filter(|a| a.is_started() && a.attempt == token.attempt && a.started_time == token.started_time),
            ActivityRef::Id(id) => {
                let pending = self.activity_ids.get(id).and_then(|id| self.activities.get(id));
                if pending.is_none() {
                    return Err(Error::not_found(format!("cannot find pending activity with ActivityID {id}")));
                }
                pending.filter(|a| a.is_started())
            }
        };
        found.map(|a| a.scheduled_event_id).ok_or_else(|| {
            Error::not_found("invalid activityID or activity already timed out or invoking workflow is completed")
        })
    }
}
