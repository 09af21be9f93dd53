//! The tab of what belongs to a run: what started it, what it started, the runs before and after it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use http::HeaderMap;
use ostro_explain::gather;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;

use super::head::Head;
use super::timeline::origin;
use crate::answer::{Answer, Failure, page};
use crate::door::{Console, Visitor};
use crate::form::Sent;
use crate::layout::Layout;
use crate::page::filter::quoted;
use crate::page::status::{Badge, badge};
use crate::run::{Place, describe};
use crate::{link, moment, shown};

/// Executions of one group.
const GROUP: i32 = 100;

#[derive(Template)]
#[template(path = "relations.html")]
struct Page {
    layout: Layout,
    head: Head,
    groups: Vec<Group>,
}

struct Group {
    heading: &'static str,
    empty: &'static str,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    run: String,
    address: String,
    kind: String,
    status: Badge,
    started: moment::Shown,
    here: bool,
}

/// The page.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(path): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let place = Place::of(path, &Sent::read(query.unwrap_or_default().as_bytes())?);
    let described = describe(&visitor.caller, &place).await?;
    let reasons = gather::explain(&visitor.caller, &place.namespace, &described, visitor.clock().now).await?;
    let info = described.workflow_execution_info.clone().unwrap_or_default();
    let layout = Layout::of(&visitor, &console, &place.namespace, "Workflows", &shown::line(&place.id)).await;
    let head =
        Head::of(&visitor, &place, &described, &reasons, layout.rights, "Relations", &origin(&visitor, &headers));
    let parent = info.parent_execution.unwrap_or_default();
    let parents = match parent.workflow_id.is_empty() {
        true => Vec::new(),
        false => {
            let query = format!("WorkflowId = {} AND RunId = {}", quoted(&parent.workflow_id), quoted(&parent.run_id));
            list(&visitor, &place, query).await?
        }
    };
    let children = format!("ParentWorkflowId = {} AND ParentRunId = {}", quoted(&place.id), quoted(&place.run));
    let runs = format!("WorkflowId = {}", quoted(&place.id));
    let groups = vec![
        Group { heading: "Parent", empty: "No workflow started it.", rows: parents },
        Group { heading: "Children", empty: "It has started none.", rows: list(&visitor, &place, children).await? },
        Group { heading: "Runs of this workflow id", empty: "", rows: list(&visitor, &place, runs).await? },
    ];
    page(&Page { layout, head, groups })
}

async fn list(visitor: &Visitor, place: &Place, query: String) -> Result<Vec<Row>, Failure> {
    let namespace = place.namespace.clone();
    let request = ListWorkflowExecutionsRequest { namespace, query, page_size: GROUP, ..Default::default() };
    let list = visitor.caller.ask(&request).await?;
    Ok(list.executions.iter().map(|info| row(visitor, place, info)).collect())
}

fn row(visitor: &Visitor, place: &Place, info: &WorkflowExecutionInfo) -> Row {
    let execution = info.execution.clone().unwrap_or_default();
    Row {
        address: link::execution(&visitor.base, &place.namespace, &execution.workflow_id, &execution.run_id),
        here: execution.run_id == place.run,
        id: shown::whole(&execution.workflow_id),
        run: shown::whole(&execution.run_id),
        kind: shown::line(info.r#type.as_ref().map_or("", |kind| &kind.name)),
        status: badge(info.status()),
        started: visitor.clock().shown(info.start_time.as_ref()),
    }
}
