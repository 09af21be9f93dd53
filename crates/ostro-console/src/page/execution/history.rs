//! The tab of the history: compact, in full, as JSON; and the file that replayers read.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use ostro_explain::gather;
use ostro_wire::json::to_json;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_protos::temporal::api::workflowservice::v1::{
    GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryReverseRequest,
};

use super::event::{Line, line};
use super::head::Head;
use super::timeline::origin;
use crate::answer::{Answer, Failure, page};
use crate::door::{Console, Visitor};
use crate::form::Sent;
use crate::layout::Layout;
use crate::run::{Place, describe, read};
use crate::{link, shown};

/// Events of a page.
const PAGE: i32 = 100;

#[derive(Template)]
#[template(path = "history.html")]
struct Page {
    layout: Layout,
    head: Head,
    views: Vec<View>,
    orders: Vec<View>,
    events: Vec<Line>,
    /// In place of events.
    json: String,
    next: String,
    file: String,
}

/// A way to see it.
struct View {
    name: &'static str,
    address: String,
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
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    let place = Place::of(path, &sent);
    let described = describe(&visitor.caller, &place).await?;
    let reasons = gather::explain(&visitor.caller, &place.namespace, &described, visitor.clock().now).await?;
    let (view, newest) = (sent.text("view"), sent.text("order") == "newest");
    let token = URL_SAFE_NO_PAD.decode(sent.text("page")).unwrap_or_default();
    let (events, token) = events(&visitor, &place, newest, token).await?;
    let here = place.address(&visitor.base, "/history");
    let at = |view: &str, newest: bool| {
        let address = if view.is_empty() { here.clone() } else { link::with(&here, "view", view) };
        if newest { link::with(&address, "order", "newest") } else { address }
    };
    let views = [("Compact", ""), ("Full", "full"), ("JSON", "json")];
    let orders = [("Oldest first", false), ("Newest first", true)];
    let layout = Layout::of(&visitor, &console, &place.namespace, "Workflows", &shown::line(&place.id)).await;
    let head = Head::of(&visitor, &place, &described, &reasons, layout.rights, "History", &origin(&visitor, &headers));
    let clock = visitor.clock();
    let next = (!token.is_empty()).then(|| link::with(&at(view, newest), "page", &URL_SAFE_NO_PAD.encode(&token)));
    page(&Page {
        views: views.map(|(name, value)| View { name, address: at(value, newest), here: view == value }).into(),
        orders: orders.map(|(name, value)| View { name, address: at(view, value), here: newest == value }).into(),
        json: if view == "json" { json(&events) } else { String::new() },
        events: match view {
            "json" => Vec::new(),
            _ => events.iter().map(|event| line(event, &clock, view == "full")).collect(),
        },
        next: next.unwrap_or_default(),
        file: place.address(&visitor.base, "/history.json"),
        head,
        layout,
    })
}

fn json(events: &[HistoryEvent]) -> String {
    shown::text(&format!("{:#}", to_json(&History { events: events.to_vec() })))
}

async fn events(
    visitor: &Visitor,
    place: &Place,
    newest: bool,
    token: Vec<u8>,
) -> Result<(Vec<HistoryEvent>, Vec<u8>), Failure> {
    let (namespace, execution) = (place.namespace.clone(), Some(place.execution()));
    if newest {
        let request = GetWorkflowExecutionHistoryReverseRequest {
            namespace,
            execution,
            maximum_page_size: PAGE,
            next_page_token: token,
        };
        let page = visitor.caller.ask(&request).await?;
        return Ok((page.history.unwrap_or_default().events, page.next_page_token));
    }
    let request = GetWorkflowExecutionHistoryRequest {
        namespace,
        execution,
        maximum_page_size: PAGE,
        next_page_token: token,
        ..Default::default()
    };
    let page = visitor.caller.ask(&request).await?;
    Ok((page.history.unwrap_or_default().events, page.next_page_token))
}

/// The whole history as the file that Temporal's tools and replayers read.
pub(crate) async fn file(
    State(_): State<Arc<Console>>,
    visitor: Visitor,
    Path(path): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let place = Place::of(path, &Sent::read(query.unwrap_or_default().as_bytes())?);
    let mut text = String::from("{\"events\":[");
    read(&visitor.caller, &place, |event| {
        if !text.ends_with('[') {
            text.push_str(",\n");
        }
        text.push_str(&to_json(event).to_string());
    })
    .await?;
    text.push_str("]}\n");
    let named = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}.json\"", file_name(&place))),
    ];
    Ok::<Response, Failure>((named, Body::from(text)).into_response())
}

/// A name that every system takes.
fn file_name(place: &Place) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let id: String = place.id.chars().take(80).map(fits).collect();
    let run: String = place.run.chars().take(40).map(fits).collect();
    format!("{id}-{run}")
}
