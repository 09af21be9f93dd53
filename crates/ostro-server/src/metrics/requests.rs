//! Finished calls by method and code, and how long they took.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ostro_wire::Call;

use super::text::Text;

/// gRPC has codes 0 to 16.
const CODES: usize = 17;
const CODE_NAMES: [&str; CODES] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Upper bounds of the histogram's buckets, in seconds; long polls end in the last ones.
const BOUNDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 20.0, 60.0];

/// Every known method has its counters from the start, so counting takes no lock.
pub struct Requests {
    methods: BTreeMap<(&'static str, &'static str), Method>,
}

#[derive(Default)]
struct Method {
    codes: [AtomicU64; CODES],
    /// Calls at or under each bound, not yet summed up.
    buckets: [AtomicU64; BOUNDS.len()],
    nanos: AtomicU64,
}

impl Default for Requests {
    fn default() -> Self {
        Self { methods: ostro_wire::methods().map(|name| (name, Method::default())).collect() }
    }
}

impl Requests {
    /// Counts one finished call.
    pub fn observe(&self, call: &Call) {
        let Some(method) = self.methods.get(&(call.service, call.method)) else { return };
        method.codes[call.code as usize % CODES].fetch_add(1, Relaxed);
        method.nanos.fetch_add(nanos(call.duration), Relaxed);
        let seconds = call.duration.as_secs_f64();
        if let Some(bucket) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            method.buckets[bucket].fetch_add(1, Relaxed);
        }
    }

    pub(super) fn render(&self, text: &mut Text) {
        text.family("ostro_requests_total", "counter", "Finished calls by service, method and gRPC code");
        for (name, method) in self.called() {
            method.render_codes(name, text);
        }
        text.family("ostro_request_seconds", "histogram", "How long calls took; polls include their waiting");
        for (name, method) in self.called() {
            method.render_latency(name, text);
        }
    }

    fn called(&self) -> impl Iterator<Item = (&(&'static str, &'static str), &Method)> {
        self.methods.iter().filter(|(_, method)| method.total() > 0)
    }
}

impl Method {
    fn total(&self) -> u64 {
        self.codes.iter().map(|count| count.load(Relaxed)).sum()
    }

    fn render_codes(&self, (service, name): &(&'static str, &'static str), text: &mut Text) {
        for (code, count) in CODE_NAMES.iter().zip(&self.codes) {
            let count = count.load(Relaxed);
            if count > 0 {
                let labels = [("service", short(service)), ("method", name), ("code", code)];
                text.sample("ostro_requests_total", &labels, count as f64);
            }
        }
    }

    fn render_latency(&self, (service, name): &(&'static str, &'static str), text: &mut Text) {
        let mut total = 0;
        for (bound, count) in BOUNDS.iter().zip(&self.buckets) {
            total += count.load(Relaxed);
            let bound = bound.to_string();
            text.sample(
                "ostro_request_seconds_bucket",
                &[("service", short(service)), ("method", name), ("le", &bound)],
                total as f64,
            );
        }
        let all = self.total() as f64;
        text.sample(
            "ostro_request_seconds_bucket",
            &[("service", short(service)), ("method", name), ("le", "+Inf")],
            all,
        );
        let labels = [("service", short(service)), ("method", *name)];
        text.sample("ostro_request_seconds_sum", &labels, self.nanos.load(Relaxed) as f64 / 1e9);
        text.sample("ostro_request_seconds_count", &labels, all);
    }
}

/// `WorkflowService` of `temporal.api.workflowservice.v1.WorkflowService`.
fn short(service: &'static str) -> &'static str {
    service.rsplit('.').next().unwrap_or(service)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    #[test]
    fn calls_are_counted_by_code_and_latency() {
        let requests = Requests::default();
        let call = |code, millis| Call {
            service: ostro_wire::workflow_service::SERVICE,
            method: "QueryWorkflow",
            duration: Duration::from_millis(millis),
            code,
            from_network: true,
        };
        requests.observe(&call(Code::Ok, 2));
        requests.observe(&call(Code::NotFound, 70_000));
        let mut text = Text::default();
        requests.render(&mut text);
        let text = text.finish();
        for line in [
            "# TYPE ostro_requests_total counter",
            r#"ostro_requests_total{service="WorkflowService",method="QueryWorkflow",code="NOT_FOUND"} 1"#,
            r#"ostro_request_seconds_bucket{service="WorkflowService",method="QueryWorkflow",le="0.001"} 0"#,
            r#"ostro_request_seconds_bucket{service="WorkflowService",method="QueryWorkflow",le="0.0025"} 1"#,
            r#"ostro_request_seconds_bucket{service="WorkflowService",method="QueryWorkflow",le="60"} 1"#,
            r#"ostro_request_seconds_bucket{service="WorkflowService",method="QueryWorkflow",le="+Inf"} 2"#,
            r#"ostro_request_seconds_sum{service="WorkflowService",method="QueryWorkflow"} 70.002"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("StartWorkflowExecution"), "methods that were never called are left out");
    }
}
