//! Histories.

use std::time::SystemTime;

use temporalio_client::WorkflowHistory;
use temporalio_common::protos::temporal::api::history::v1::{History as ProtoHistory, HistoryEvent};
use temporalio_common::protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;

use crate::client::handle::Target;
use crate::client::rpc;
use crate::error::{Error, Result};

/// Everything that happened to a run.
#[derive(Debug, Clone)]
pub struct History {
    events: Vec<HistoryEvent>,
}

/// One thing that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// From 1, without gaps.
    pub id: i64,
    /// Such as `ActivityTaskScheduled`.
    pub kind: String,
    /// When.
    pub time: Option<SystemTime>,
}

impl History {
    /// The events in their order.
    pub fn events(&self) -> Vec<Event> {
        self.events
            .iter()
            .map(|event| Event {
                id: event.event_id,
                kind: camel(event.event_type().as_str_name().trim_start_matches("EVENT_TYPE_")),
                time: rpc::time(event.event_time),
            })
            .collect()
    }

    /// How many events are of this kind, such as `"ActivityTaskScheduled"`.
    pub fn count(&self, kind: &str) -> usize {
        self.events().iter().filter(|event| event.kind == kind).count()
    }

    /// The events in the protocol's own form.
    pub fn raw(&self) -> &[HistoryEvent] {
        &self.events
    }

    /// As JSON, in the form of `ostro workflow show --output json`, of `temporal workflow show --output json`, and of other SDKs' replayers.
    pub fn to_json(&self) -> String {
        ostro_wire::json::to_json(&ProtoHistory { events: self.events.clone() }).to_string()
    }

    /// From what [`to_json`](Self::to_json), `ostro workflow show --output json` or `temporal workflow show --output json` wrote.
    ///
    /// # Errors
    /// Type name `InvalidHistory`.
    pub fn from_json(json: &str) -> Result<Self> {
        let invalid = |error: &dyn std::fmt::Display| {
            Error::misuse("InvalidHistory", format_args!("this is no history of a workflow as JSON: {error}"))
        };
        let value = serde_json::from_str(json).map_err(|error| invalid(&error))?;
        let history: ProtoHistory = ostro_wire::json::from_json(value).map_err(|error| invalid(&error))?;
        if history.events.is_empty() {
            return Err(invalid(&"it has no events"));
        }
        Ok(Self { events: history.events })
    }

    pub(crate) fn into_sdk(self) -> WorkflowHistory {
        WorkflowHistory::from(ProtoHistory { events: self.events })
    }
}

/// `ACTIVITY_TASK_SCHEDULED` as `ActivityTaskScheduled`.
fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters.map(|letter| letter.to_ascii_lowercase())).collect::<String>()
    };
    name.split('_').map(word).collect()
}

pub(crate) async fn fetch(target: &Target) -> Result<History> {
    let mut events = Vec::new();
    let mut token = Vec::new();
    loop {
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: target.ostro.namespace().to_owned(),
            execution: rpc::execution(&target.id, target.run_id.as_deref().unwrap_or_default()),
            next_page_token: token,
            ..Default::default()
        };
        let page = rpc::ask(&target.ostro, format!("the history of workflow {:?}", target.id), &request).await?;
        events.extend(page.history.into_iter().flat_map(|history| history.events));
        token = page.next_page_token;
        if token.is_empty() {
            return Ok(History { events });
        }
    }
}
