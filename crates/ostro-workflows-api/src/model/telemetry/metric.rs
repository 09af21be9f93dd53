//! Metrics of workers: the latest point of each.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, NumberDataPoint};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::model::digest::hex;
use crate::model::error::{Error, Result};
use crate::model::moment::Moment;
use crate::model::record::{Change, Kind, put as put_record};
use crate::model::telemetry::value::{attributes, find, object};

const DEPLOYMENT: [&str; 3] = ["deploymentName", "deployment.name", "service.name"];

/// The latest point of a metric.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct MetricPoint {
    name: String,
    unit: String,
    #[schema(value_type = Object)]
    attributes: Map<String, Value>,
    pub at: Moment,
    /// The value of a gauge or a sum, the mean of a histogram.
    value: Option<f64>,
    /// Measurements in a histogram.
    count: Option<u64>,
}

/// The changes that keep an export.
pub(crate) fn changes(namespace: &str, export: ExportMetricsServiceRequest) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for batch in export.resource_metrics {
        let resource = batch.resource.unwrap_or_default().attributes;
        for metric in batch.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            for (point, attributes) in points(&metric.name, &metric.unit, metric.data.as_ref()) {
                changes.push(keep(namespace, &resource, attributes, &point)?);
            }
        }
    }
    Ok(changes)
}

fn keep(namespace: &str, resource: &[KeyValue], own: &[KeyValue], point: &MetricPoint) -> Result<Change> {
    let of_point = find(own, &DEPLOYMENT);
    let deployment = if of_point.is_empty() { find(resource, &DEPLOYMENT) } else { of_point };
    let labels = serde_json::to_string(&(object(&attributes(resource)), &point.attributes))
        .map_err(|error| Error::internal("write a metric", &error))?;
    let key = format!("{}/{}", point.name, &hex(&Sha256::digest(labels))[..16]);
    put_record(Kind::Metric, namespace, key, vec![format!("deployment:{deployment}")], point)
}

fn points<'a>(name: &str, unit: &str, data: Option<&'a Data>) -> Vec<(MetricPoint, &'a [KeyValue])> {
    let point = |at: u64, attributes_of: &[KeyValue], value, count| MetricPoint {
        name: name.to_owned(),
        unit: unit.to_owned(),
        attributes: object(&attributes(attributes_of)),
        at: Moment::of_nanoseconds(i64::try_from(at).unwrap_or(i64::MAX)),
        value,
        count,
    };
    let number = |each: &'a NumberDataPoint| {
        (point(each.time_unix_nano, &each.attributes, number(each), None), each.attributes.as_slice())
    };
    let histogram = |each: &'a HistogramDataPoint| {
        let mean = each.sum.filter(|_| each.count > 0).map(|sum| sum / precise(each.count));
        (point(each.time_unix_nano, &each.attributes, mean, Some(each.count)), each.attributes.as_slice())
    };
    match data {
        Some(Data::Gauge(gauge)) => gauge.data_points.iter().map(number).collect(),
        Some(Data::Sum(sum)) => sum.data_points.iter().map(number).collect(),
        Some(Data::Histogram(all)) => all.data_points.iter().map(histogram).collect(),
        // The SDK sends none of the other kinds.
        _ => Vec::new(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "a mean need not be exact beyond 2^52 measurements")]
fn precise(count: u64) -> f64 {
    count as f64
}

#[allow(clippy::cast_precision_loss, reason = "a shown number need not be exact beyond 2^52")]
fn number(point: &NumberDataPoint) -> Option<f64> {
    point.value.map(|value| match value {
        Number::AsDouble(value) => value,
        Number::AsInt(value) => value as f64,
    })
}
