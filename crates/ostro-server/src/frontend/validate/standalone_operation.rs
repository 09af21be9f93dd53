//! Requests about Nexus operations without a workflow.

use ostro_engine::config::Config;
use ostro_engine::error::Result;
use prost::Message;
use prost_wkt_types::Duration;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::common::{duration_fault, invalid, namespace, present};
use super::{Check, options};

/// Bytes of the keys and values of an operation's header.
const HEADER_BYTES_MAX: usize = 8192;
/// What the server itself says in headers.
const RESERVED_HEADERS: [&str; 1] = ["request-timeout"];

fn within(text: &str, what: &str, limits: &Config) -> Result<()> {
    let (length, limit) = (text.len(), limits.id_length_max);
    if length <= limit {
        return Ok(());
    }
    invalid(format!("{what} exceeds length limit. Length={length} Limit={limit}"))
}

fn named(text: &str, what: &str, limits: &Config) -> Result<()> {
    present(text, &format!("{what} is required"))?;
    within(text, what, limits)
}

fn run_id(run_id: &str) -> Result<()> {
    if run_id.is_empty() || ostro_engine::ids::is_uuid(run_id) {
        return Ok(());
    }
    invalid("run_id is not a valid UUID")
}

fn timeout(span: &Option<Duration>, what: &str) -> Result<()> {
    duration_fault(span).map_or(Ok(()), |fault| invalid(format!("{what} is invalid: {fault}")))
}

impl Check for service::StartNexusOperationExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        named(&self.operation_id, "operation_id", limits)?;
        named(&self.endpoint, "endpoint", limits)?;
        named(&self.service, "service", limits)?;
        named(&self.operation, "operation", limits)?;
        within(&self.request_id, "request_id", limits)?;
        within(&self.identity, "identity", limits)?;
        timeout(&self.schedule_to_close_timeout, "schedule_to_close_timeout")?;
        timeout(&self.schedule_to_start_timeout, "schedule_to_start_timeout")?;
        timeout(&self.start_to_close_timeout, "start_to_close_timeout")?;
        let (length, limit) = (self.input.as_ref().map_or(0, Message::encoded_len), limits.blob_bytes_max);
        if length > limit {
            return invalid(format!("input exceeds size limit. Length={length} Limit={limit}"));
        }
        check_header(&self.nexus_header)?;
        options::links(&self.links)?;
        super::nexus::callbacks(&mut self.completion_callbacks, limits)?;
        if self.request_id.is_empty() {
            self.request_id = uuid::Uuid::new_v4().to_string();
        }
        Ok(())
    }
}

fn check_header(header: &std::collections::HashMap<String, String>) -> Result<()> {
    if let Some(key) = header.keys().find(|key| RESERVED_HEADERS.contains(&key.to_lowercase().as_str())) {
        return invalid(format!("nexus_header contains a disallowed key: \"{key}\""));
    }
    let bytes: usize = header.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        return invalid("nexus_header exceeds size limit");
    }
    Ok(())
}

impl Check for service::DescribeNexusOperationExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        named(&self.operation_id, "operation_id", limits)?;
        if !self.long_poll_token.is_empty() && self.run_id.is_empty() {
            return invalid("run_id is required when long_poll_token is provided");
        }
        run_id(&self.run_id)
    }
}

impl Check for service::PollNexusOperationExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        named(&self.operation_id, "operation_id", limits)?;
        run_id(&self.run_id)
    }
}

impl Check for service::DeleteNexusOperationExecutionRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        namespace(&self.namespace)?;
        named(&self.operation_id, "operation_id", limits)?;
        run_id(&self.run_id)
    }
}

/// Requests that say who wants it and why.
macro_rules! with_reason {
    ($($request:ident),*) => {
        $(impl Check for service::$request {
            fn check(&mut self, limits: &Config) -> Result<()> {
                namespace(&self.namespace)?;
                named(&self.operation_id, "operation_id", limits)?;
                within(&self.request_id, "request_id", limits)?;
                within(&self.identity, "identity", limits)?;
                within(&self.reason, "reason", limits)?;
                run_id(&self.run_id)
            }
        })*
    };
}

with_reason!(RequestCancelNexusOperationExecutionRequest, TerminateNexusOperationExecutionRequest);
