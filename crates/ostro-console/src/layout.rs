//! What is around every page: where one is, where one can go, how it looks.

use crate::assets;
use crate::door::{Console, Rights, Visitor};
use crate::{link, shown};

/// The pages of a namespace that one can go to: name, address under the namespace, key after `g`.
const PLACES: [(&str, &str, &str); 7] = [
    ("Workflows", "/workflows", "w"),
    ("Waiting for you", "/inputs", "i"),
    ("Waits", "/waits", "a"),
    ("Schedules", "/schedules", "s"),
    ("Batches", "/batches", "b"),
    ("Queues", "/queues", "q"),
    ("Workers", "/workers", "p"),
];

/// The frame of a page.
pub(crate) struct Layout {
    pub base: String,
    pub title: String,
    pub namespace: String,
    /// Where the namespace's pages are.
    pub home: String,
    pub places: Vec<Place>,
    pub theme: &'static str,
    pub zone: String,
    pub token: String,
    pub signed_in: bool,
    pub rights: Rights,
    pub version: &'static str,
    /// This page, to come back to.
    pub path: String,
    pub style: String,
    pub script: String,
    /// Where the page learns that it has changed; empty where it does not.
    pub live: String,
    /// What was done just now.
    pub said: &'static str,
}

/// A page to go to.
pub(crate) struct Place {
    pub name: &'static str,
    pub address: String,
    pub key: &'static str,
    pub here: bool,
}

impl Layout {
    /// The frame of a page of a namespace; `here` is the name of its place.
    pub(crate) async fn of(visitor: &Visitor, console: &Console, namespace: &str, here: &str, title: &str) -> Self {
        let rights = visitor.rights(console, namespace).await;
        let home = link::namespace(&visitor.base, namespace);
        let place = |(name, rest, key): (&'static str, &str, &'static str)| {
            let address = format!("{home}{rest}");
            Place { name, address, key, here: name == here }
        };
        let mut layout = Self::bare(visitor, console, title, rights);
        layout.places = PLACES.into_iter().map(place).collect();
        layout.namespace = shown::line(namespace);
        layout.home = home;
        layout
    }

    /// The frame of a page of no namespace.
    pub(crate) fn bare(visitor: &Visitor, console: &Console, title: &str, rights: Rights) -> Self {
        Self {
            base: visitor.base.clone(),
            title: title.to_owned(),
            namespace: String::new(),
            home: String::new(),
            places: Vec::new(),
            theme: visitor.preferences.theme,
            zone: visitor.preferences.zone_name.clone(),
            token: visitor.token(console),
            signed_in: visitor.signed_in,
            rights,
            version: console.settings.version,
            path: visitor.path.clone(),
            style: assets::address(&visitor.base, "console.css"),
            script: assets::address(&visitor.base, "console.js"),
            live: String::new(),
            said: "",
        }
    }

    /// The same page, which looks for changes at `address`.
    pub(crate) fn live(mut self, address: String) -> Self {
        self.live = address;
        self
    }

    /// The same page, which says what was done: one of the words that this console knows.
    pub(crate) fn said(mut self, word: Option<&str>) -> Self {
        self.said = word.and_then(|word| SAID.iter().find(|(known, _)| *known == word)).map_or("", |(_, said)| said);
        self
    }
}

/// What pages say after a change, by the word in the address: nobody can put words into a page by a link.
const SAID: [(&str, &str); 18] = [
    ("started", "Started."),
    ("signal", "The signal is in the history."),
    ("cancel", "Cancellation requested: the workflow's code decides what it does with it."),
    ("terminate", "Terminated."),
    ("pause", "Paused. What arrives meanwhile is kept."),
    ("unpause", "Running again."),
    ("reset", "This is the new run; the one before it was ended."),
    ("delete", "Deleted."),
    ("activity-pause", "The activity is paused."),
    ("activity-unpause", "The activity runs again."),
    ("activity-reset", "The activity begins again with its first attempt."),
    ("activity-retry", "The activity is tried again now."),
    ("activity-complete", "The activity is completed with your result."),
    ("activity-fail", "The activity's attempt has failed with your message."),
    ("signed-out", "Signed out."),
    ("saved", "Saved."),
    ("deleted", "Deleted."),
    ("answered", "Answered: the workflow goes on with it."),
];
