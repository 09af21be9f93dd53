//! Log records.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::model::digest::hex;
use crate::model::error::{Error, Result};
use crate::model::moment::Moment;
use crate::model::record::{Change, Entry, Journal};
use crate::model::telemetry::value::{find, text};

const EXECUTION: [&str; 2] = ["workflowExecutionID", "workflow.execution_id"];

const RUN: [&str; 2] = ["workflowRunID", "workflow.run_id"];

const DEPLOYMENT: [&str; 2] = ["deploymentName", "deployment.name"];

/// A log record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ExecutionLogRecord)]
pub(crate) struct LogRecordView {
    pub timestamp: Moment,
    pub trace_id: String,
    pub span_id: String,
    pub severity_text: String,
    pub body: String,
    pub log_attributes: BTreeMap<String, String>,
}

/// The changes that keep an export; an export sent again changes nothing.
pub(crate) fn changes(namespace: &str, export: ExportLogsServiceRequest) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for batch in export.resource_logs {
        let resource = batch.resource.unwrap_or_default().attributes;
        for record in batch.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
            changes.push(Change::Append(entry(namespace, &resource, &record)?));
        }
    }
    Ok(changes)
}

fn entry(namespace: &str, resource: &[KeyValue], record: &LogRecord) -> Result<Entry> {
    let nanoseconds = if record.time_unix_nano > 0 { record.time_unix_nano } else { record.observed_time_unix_nano };
    let at = i64::try_from(nanoseconds).unwrap_or(i64::MAX);
    let attribute = |each: &KeyValue| each.value.as_ref().map(|value| (each.key.clone(), text(value)));
    let view = LogRecordView {
        timestamp: Moment::of_nanoseconds(at),
        trace_id: hex(&record.trace_id),
        span_id: hex(&record.span_id),
        severity_text: record.severity_text.clone(),
        body: record.body.as_ref().map(text).unwrap_or_default(),
        log_attributes: record.attributes.iter().filter_map(attribute).collect(),
    };
    let of_record = find(&record.attributes, &DEPLOYMENT);
    let source = if of_record.is_empty() { find(resource, &DEPLOYMENT) } else { of_record };
    let body = serde_json::to_string(&view).map_err(|error| Error::internal("write a log record", &error))?;
    Ok(Entry {
        sequence: 0,
        journal: Journal::Log,
        namespace: namespace.to_owned(),
        id: hex(&Sha256::new().chain_update(&source).chain_update(at.to_be_bytes()).chain_update(&body).finalize()),
        at,
        root: view.trace_id,
        execution: find(&record.attributes, &EXECUTION),
        run: find(&record.attributes, &RUN),
        kind: view.severity_text,
        source,
        body,
    })
}
