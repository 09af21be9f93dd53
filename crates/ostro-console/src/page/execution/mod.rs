//! *Execution*: one run, its state in a sentence, and its tabs.

pub(crate) mod copy;
pub(crate) mod data;
mod event;
pub(crate) mod head;
pub(crate) mod history;
pub(crate) mod live;
pub(crate) mod relations;
pub(crate) mod timeline;

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};

use crate::answer::{Answer, see};
use crate::door::{Console, Visitor};
use crate::form::Sent;
use crate::link;
use crate::run::{Place, describe};

/// Leads to the newest run of a workflow id.
pub(crate) async fn newest(
    State(_): State<Arc<Console>>,
    visitor: Visitor,
    Path((namespace, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    let place = Place::of((namespace, id, String::new()), &sent);
    let info = describe(&visitor.caller, &place).await?.workflow_execution_info.unwrap_or_default();
    let execution = info.execution.unwrap_or_default();
    see(&link::execution(&visitor.base, &place.namespace, &execution.workflow_id, &execution.run_id))
}
