//! What is asked of all namespaces at once.

use std::collections::HashMap;

use ostro_wire::{Answer, CallContext};
use temporalio_protos::temporal::api::operatorservice::v1::ListSearchAttributesRequest;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::frontend::Frontend;

/// Namespaces that are looked through.
const NAMESPACES_MAX: i32 = 1000;

/// The search attributes of all namespaces: the method of before there were namespaces with attributes of their own.
pub(crate) async fn search_attributes(
    frontend: &Frontend,
    _context: &CallContext,
    _request: service::GetSearchAttributesRequest,
) -> Answer<service::GetSearchAttributesResponse> {
    let list = service::ListNamespacesRequest { page_size: NAMESPACES_MAX, ..Default::default() };
    let mut keys = HashMap::new();
    for described in frontend.ask(list).await?.namespaces {
        let namespace = described.namespace_info.unwrap_or_default().name;
        let attributes = frontend.ask(ListSearchAttributesRequest { namespace }).await?;
        keys.extend(attributes.system_attributes);
        keys.extend(attributes.custom_attributes);
    }
    Ok(service::GetSearchAttributesResponse { keys }.into())
}
