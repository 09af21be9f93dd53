//! What can be done: a form for each action, and what sending it does. One file a kind.

mod activity;
mod message;
mod reset;
pub(crate) mod start;
mod workflow;

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use http::StatusCode;

use crate::answer::{Answer, Failure, page_with, see};
use crate::door::{Console, Visitor};
use crate::form::{Form, Sent};
use crate::layout::Layout;
use crate::payload::Shown;
use crate::run::Place;
use crate::{link, shown};

/// What can be done with a run, or with one of its activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Signal,
    Update,
    Query,
    Pause,
    Unpause,
    Cancel,
    Terminate,
    Reset,
    Delete,
    ActivityPause,
    ActivityUnpause,
    ActivityRetry,
    ActivityReset,
    ActivityComplete,
    ActivityFail,
}

/// Each action with its word in addresses, and the one on its button.
const ALL: [(Action, &str, &str); 15] = [
    (Action::Signal, "signal", "Signal"),
    (Action::Update, "update", "Update"),
    (Action::Query, "query", "Query"),
    (Action::Pause, "pause", "Pause"),
    (Action::Unpause, "unpause", "Unpause"),
    (Action::Cancel, "cancel", "Cancel"),
    (Action::Terminate, "terminate", "Terminate"),
    (Action::Reset, "reset", "Reset"),
    (Action::Delete, "delete", "Delete"),
    (Action::ActivityPause, "activity-pause", "Pause"),
    (Action::ActivityUnpause, "activity-unpause", "Unpause"),
    (Action::ActivityRetry, "activity-retry", "Retry now"),
    (Action::ActivityReset, "activity-reset", "Reset"),
    (Action::ActivityComplete, "activity-complete", "Complete"),
    (Action::ActivityFail, "activity-fail", "Fail"),
];

impl Action {
    /// What can be done with a run that goes on or has ended.
    pub(crate) fn of_workflow(open: bool, paused: bool) -> &'static [Self] {
        use Action::{Cancel, Delete, Pause, Query, Reset, Signal, Terminate, Unpause, Update};
        match (open, paused) {
            (true, false) => &[Signal, Update, Query, Pause, Reset, Cancel, Terminate],
            (true, true) => &[Signal, Update, Query, Unpause, Reset, Cancel, Terminate],
            (false, _) => &[Query, Reset, Delete],
        }
    }

    /// What can be done with an activity that is open. Only an attempt that runs can be failed, as on a Temporal server.
    pub(crate) fn of_activity(paused: bool, runs: bool) -> &'static [Self] {
        use Action::{ActivityComplete, ActivityFail, ActivityPause, ActivityReset, ActivityRetry, ActivityUnpause};
        match (paused, runs) {
            (false, true) => &[ActivityRetry, ActivityPause, ActivityReset, ActivityComplete, ActivityFail],
            (false, false) => &[ActivityRetry, ActivityPause, ActivityReset, ActivityComplete],
            (true, true) => &[ActivityUnpause, ActivityReset, ActivityComplete, ActivityFail],
            (true, false) => &[ActivityUnpause, ActivityReset, ActivityComplete],
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        ALL.iter().find(|(_, known, _)| *known == word).map(|(action, ..)| *action)
    }

    fn entry(self) -> &'static (Self, &'static str, &'static str) {
        ALL.iter()
            .find(|(action, ..)| *action == self)
            .expect("every action is in the table, which a test goes through")
    }

    /// Its word in addresses.
    pub(crate) fn word(self) -> &'static str {
        self.entry().1
    }

    /// The word on its button.
    pub(crate) fn verb(self) -> &'static str {
        self.entry().2
    }

    /// Whether more than the right to read is needed.
    pub(crate) fn changes(self) -> bool {
        self != Self::Query
    }

    /// Whether it cannot be undone.
    pub(crate) fn destroys(self) -> bool {
        matches!(self, Self::Terminate | Self::Delete | Self::Cancel)
    }
}

/// The address of an action.
pub(crate) fn address(base: &str, place: &Place, action: Action, activity: &str) -> String {
    let address = place.address(base, &format!("/act/{}", action.word()));
    if activity.is_empty() { address } else { link::with(&address, "activity", activity) }
}

/// On what an action is done.
pub(crate) struct Target<'a> {
    pub visitor: &'a Visitor,
    pub place: &'a Place,
    /// The id of an activity; empty where the action is on the run.
    pub activity: &'a str,
}

/// What an action led to.
pub(crate) enum Done {
    /// The page of the run says so.
    Said,
    /// The page of another run does.
    Moved(String),
    /// It is gone.
    Gone,
    /// An answer, shown above the form.
    Answered(Vec<Shown>),
}

/// Why an action was not done: the form is shown again, with this.
pub(crate) struct Undone {
    status: StatusCode,
    said: String,
}

impl Undone {
    /// What was written cannot be used.
    pub(crate) fn unfit(said: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, said: said.into() }
    }
}

impl From<tonic::Status> for Undone {
    fn from(status: tonic::Status) -> Self {
        let (code, heading, said) = Failure::from(status).words();
        Self { status: code, said: format!("{heading}: {said}") }
    }
}

#[derive(Template)]
#[template(path = "action.html")]
struct Page {
    layout: Layout,
    form: Form,
    address: String,
    back: String,
    id: String,
    activity: String,
    error: String,
    answer: Vec<Shown>,
}

/// The form of an action.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path((namespace, id, run, word)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    let action = Action::of_word(&word).ok_or(Failure::NoPage)?;
    let place = Place::of((namespace, id, run), &sent);
    let target = Target { visitor: &visitor, place: &place, activity: sent.raw("activity") };
    let form = form(action, &target).await?;
    render(&console, action, &target, form, StatusCode::OK, String::new(), Vec::new()).await
}

/// Does it.
pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path((namespace, id, run, word)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let asked = Sent::read(query.unwrap_or_default().as_bytes())?;
    let sent = visitor.change(&console, &body)?;
    let action = Action::of_word(&word).ok_or(Failure::NoPage)?;
    let place = Place::of((namespace, id, run), &asked);
    let target = Target { visitor: &visitor, place: &place, activity: asked.raw("activity") };
    match perform(action, &target, &sent).await {
        Ok(Done::Said) => see(&link::with(&place.address(&visitor.base, ""), "said", action.word())),
        Ok(Done::Moved(run)) => {
            let other = Place { run, ..place.clone() };
            see(&link::with(&other.address(&visitor.base, ""), "said", action.word()))
        }
        Ok(Done::Gone) => {
            let list = format!("{}/workflows", link::namespace(&visitor.base, &place.namespace));
            see(&link::with(&list, "said", action.word()))
        }
        Ok(Done::Answered(answer)) => {
            let form = form(action, &target).await?.filled(&sent);
            render(&console, action, &target, form, StatusCode::OK, String::new(), answer).await
        }
        Err(Undone { status, said }) => {
            let form = form(action, &target).await?.filled(&sent);
            render(&console, action, &target, form, status, said, Vec::new()).await
        }
    }
}

async fn form(action: Action, target: &Target<'_>) -> Result<Form, Failure> {
    Ok(match action {
        Action::Signal | Action::Update | Action::Query => message::form(action, target).await,
        Action::Pause | Action::Unpause | Action::Cancel | Action::Terminate | Action::Delete => workflow::form(action),
        Action::Reset => reset::form(target).await?,
        Action::ActivityPause
        | Action::ActivityUnpause
        | Action::ActivityRetry
        | Action::ActivityReset
        | Action::ActivityComplete
        | Action::ActivityFail => activity::form(action),
    })
}

async fn perform(action: Action, target: &Target<'_>, sent: &Sent) -> Result<Done, Undone> {
    match action {
        Action::Signal => message::signal(target, sent).await,
        Action::Update => message::update(target, sent).await,
        Action::Query => message::query(target, sent).await,
        Action::Pause => workflow::pause(target, sent).await,
        Action::Unpause => workflow::unpause(target, sent).await,
        Action::Cancel => workflow::cancel(target, sent).await,
        Action::Terminate => workflow::terminate(target, sent).await,
        Action::Delete => workflow::delete(target).await,
        Action::Reset => reset::perform(target, sent).await,
        Action::ActivityPause => activity::pause(target, sent).await,
        Action::ActivityUnpause => activity::unpause(target, sent).await,
        Action::ActivityRetry => activity::retry(target).await,
        Action::ActivityReset => activity::reset(target, sent).await,
        Action::ActivityComplete => activity::complete(target, sent).await,
        Action::ActivityFail => activity::fail(target, sent).await,
    }
}

async fn render(
    console: &Console,
    action: Action,
    target: &Target<'_>,
    form: Form,
    status: StatusCode,
    error: String,
    answer: Vec<Shown>,
) -> Answer {
    let (visitor, place) = (target.visitor, target.place);
    let layout = Layout::of(visitor, console, &place.namespace, "Workflows", &form.title).await;
    let page = Page {
        layout,
        form,
        address: address(&visitor.base, place, action, target.activity),
        back: place.address(&visitor.base, ""),
        id: shown::whole(&place.id),
        activity: shown::whole(target.activity),
        error: shown::text(&error),
        answer,
    };
    page_with(status, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_own_word_and_is_found_by_it() {
        for (action, word, _) in ALL {
            assert_eq!((Action::of_word(word), action.word()), (Some(action), word));
        }
        assert_eq!(Action::of_word("explode"), None);
    }
}
