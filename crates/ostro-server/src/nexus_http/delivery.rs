//! Callbacks: the end of an execution as a request to whoever waits for it.

use std::collections::HashMap;

use axum::http::HeaderMap;
use ostro_engine::nexus::links::to_nexus;
use ostro_engine::stored::execution::Completion;
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_protos::temporal::api::nexus::v1::Link;

use super::client::Outgoing;
use super::content::Content;
use super::failure::NexusFailure;
use super::link::set_links;
use super::{CANCELED, FAILED, JSON, LINK, OPERATION_CLOSE_TIME, OPERATION_START_TIME, OPERATION_STATE, SUCCEEDED};
use super::{moment, operation, set};

/// # Errors
/// What cannot be sent, in words.
pub(super) fn request(
    url: &str,
    header: &HashMap<String, String>,
    completion: &Completion,
) -> Result<Outgoing, String> {
    let mut headers = HeaderMap::new();
    set(&mut headers, "user-agent", "ostro")?;
    let body = body(completion, &mut headers)?;
    let times = [
        (OPERATION_START_TIME, moment::http_date(completion.start_time())),
        (OPERATION_CLOSE_TIME, moment::rfc3339(completion.close_time())),
    ];
    for (name, time) in times {
        set(&mut headers, name, &time.unwrap_or_default())?;
    }
    if !header.contains_key(LINK) {
        let links: Vec<Link> = completion.links.iter().filter_map(to_nexus).collect();
        set_links(&mut headers, &links);
    }
    // What the callback brought goes over what the server says.
    for (key, value) in header {
        set(&mut headers, key, value)?;
    }
    operation::with(url, headers, body)
}

fn body(completion: &Completion, headers: &mut HeaderMap) -> Result<Vec<u8>, String> {
    let Some(failure) = &completion.failure else {
        let content = Content::of(completion.result.as_ref());
        content.set_headers(headers)?;
        set(headers, OPERATION_STATE, SUCCEEDED)?;
        return Ok(content.body);
    };
    let canceled = matches!(failure.failure_info, Some(FailureInfo::CanceledFailureInfo(_)));
    set(headers, OPERATION_STATE, if canceled { CANCELED } else { FAILED })?;
    set(headers, "content-type", JSON)?;
    serde_json::to_vec(&NexusFailure::of_temporal(failure.clone())).map_err(|error| error.to_string())
}
