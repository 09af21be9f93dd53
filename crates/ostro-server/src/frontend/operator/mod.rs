//! Search attributes.

pub(crate) mod batch;
pub(crate) mod compute_config;
pub(crate) mod namespace;

use ostro_wire::{Answer, CallContext};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_protos::temporal::api::operatorservice::v1::{AddSearchAttributesRequest, AddSearchAttributesResponse};

use super::Frontend;

/// Registers search attributes; filters on them get their index in the background.
pub(super) async fn add(
    frontend: &Frontend,
    _context: &CallContext,
    request: AddSearchAttributesRequest,
) -> Answer<AddSearchAttributesResponse> {
    let added = request.search_attributes.clone();
    let answer = frontend.forward(request).await?;
    let writer = frontend.writer.clone();
    // Blocks while the store is behind.
    tokio::task::spawn_blocking(move || {
        for (name, kind) in added {
            if let Ok(kind) = IndexedValueType::try_from(kind) {
                writer.ensure_search_attribute(&name, kind);
            }
        }
    });
    Ok(answer)
}
