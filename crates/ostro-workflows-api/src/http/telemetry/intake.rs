//! OTLP over HTTP: protobuf, or JSON, gzipped or not.

use std::io::Read;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::de::DeserializeOwned;

use crate::http::Refusals;
use crate::http::access::Worker;
use crate::http::extract::{Body, refused};
use crate::model::error::{Code, Error, Result};
use crate::model::record::Change;
use crate::model::telemetry::{log, metric, span};
use crate::service::api::Api;

/// Largest export after decompression.
const EXPORT_BYTES_MAX: u64 = 32 * 1024 * 1024;

const PROTOBUF: &str = "application/x-protobuf";

const JSON: &str = "application/json";

/// Takes spans (OTLP).
#[utoipa::path(post, path = "/telemetry/v1/traces", tag = "telemetry",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf"),
    responses((status = 200, body = Vec<u8>, content_type = "application/x-protobuf"), Refusals))]
pub(crate) async fn traces(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let export: ExportTraceServiceRequest = decode(&headers, &body)?;
    accept(&api, &headers, span::changes(&caller.namespace, export)?).await
}

/// Takes log records (OTLP).
#[utoipa::path(post, path = "/telemetry/v1/logs", tag = "telemetry",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf"),
    responses((status = 200, body = Vec<u8>, content_type = "application/x-protobuf"), Refusals))]
pub(crate) async fn logs(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let export: ExportLogsServiceRequest = decode(&headers, &body)?;
    accept(&api, &headers, log::changes(&caller.namespace, export)?).await
}

/// Takes metrics (OTLP): the latest point of each is kept.
#[utoipa::path(post, path = "/telemetry/v1/metrics", tag = "telemetry",
    request_body(content = Vec<u8>, content_type = "application/x-protobuf"),
    responses((status = 200, body = Vec<u8>, content_type = "application/x-protobuf"), Refusals))]
pub(crate) async fn metrics(
    State(api): State<Arc<Api>>,
    Worker(caller): Worker,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let export: ExportMetricsServiceRequest = decode(&headers, &body)?;
    accept(&api, &headers, metric::changes(&caller.namespace, export)?).await
}

fn decode<T: Message + Default + DeserializeOwned>(headers: &HeaderMap, body: &Body) -> Result<T> {
    let malformed = |error: String| Error::new(Code::Malformed, format!("not an OTLP export: {error}"));
    let unzipped;
    let body = match header(headers, CONTENT_ENCODING.as_str()) {
        None | Some("identity") => &*body.bytes,
        Some("gzip") => {
            unzipped = unzip(&body.bytes).map_err(|error| malformed(error.to_string()))?;
            if let Some(Err(refusal)) = body.held.as_ref().map(|held| held.grow_to(unzipped.len())) {
                return Err(refused(&refusal));
            }
            &unzipped
        }
        Some(other) => return Err(malformed(format!("content encoding {other} is not known; send gzip or none"))),
    };
    if is_json(headers) {
        serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
    } else {
        T::decode(body).map_err(|error| malformed(error.to_string()))
    }
}

fn unzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut unzipped = Vec::new();
    let read = flate2::read::GzDecoder::new(body).take(EXPORT_BYTES_MAX).read_to_end(&mut unzipped)?;
    if read as u64 == EXPORT_BYTES_MAX {
        return Err(std::io::Error::other(format!("it has {EXPORT_BYTES_MAX} bytes or more")));
    }
    Ok(unzipped)
}

fn is_json(headers: &HeaderMap) -> bool {
    header(headers, CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with(JSON))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn accept(api: &Api, headers: &HeaderMap, changes: Vec<Change>) -> Result<Response> {
    if !changes.is_empty() {
        api.store.write(changes).await?;
    }
    // An empty message of either encoding: everything was accepted.
    Ok(if is_json(headers) {
        ([(CONTENT_TYPE, JSON)], "{}").into_response()
    } else {
        ([(CONTENT_TYPE, PROTOBUF)], Bytes::new()).into_response()
    })
}
