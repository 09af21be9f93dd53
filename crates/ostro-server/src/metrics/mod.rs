//! What the server counts: plain atomics, rendered as Prometheus text on demand.

mod gauge;
mod network;
mod reads;
mod requests;
mod text;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

use ostro_engine::engine::Gauges;
use ostro_store::{Readers, Writer};
use ostro_wire::network::NetworkStats;

pub use gauge::{Gauge, Open};
pub use requests::Requests;
use text::Text;

/// What counts itself, besides [`Metrics`].
pub(crate) struct Sources {
    pub writer: Arc<Writer>,
    pub readers: Readers,
    pub network: Arc<NetworkStats>,
    pub more: Option<Arc<MoreMetrics>>,
}

/// Samples without labels: (name, `counter` or `gauge`, help, value).
pub type MoreMetrics = dyn Fn() -> Vec<(&'static str, &'static str, &'static str, f64)> + Send + Sync;

/// Counters and gauges of one server.
pub struct Metrics {
    /// Finished calls.
    pub requests: Requests,
    /// Messages that wait for the engine.
    pub engine_queue: Gauge,
    /// Workflow task polls that wait for a task.
    pub workflow_pollers: Gauge,
    /// Activity task polls that wait for a task.
    pub activity_pollers: Gauge,
    /// Open polls for Nexus tasks.
    pub nexus_pollers: Gauge,
    /// What the engine holds in memory.
    pub held: Held,
    /// Executions deleted because their retention was over.
    pub executions_expired: Gauge,
    started_seconds: f64,
}

/// What the engine holds in memory, as it was a moment ago.
#[derive(Debug, Default)]
pub struct Held {
    pub executions: Gauge,
    pub execution_bytes: Gauge,
    pub timers: Gauge,
    pub waiting_calls: Gauge,
    pub task_queues: Gauge,
    pub blocked_workflow_tasks: Gauge,
    pub set_aside_executions: Gauge,
    pub set_aside_records: Gauge,
}

impl Held {
    /// Takes over what the engine says.
    pub fn set(&self, gauges: Gauges) {
        for (gauge, value) in [
            (&self.executions, gauges.executions),
            (&self.execution_bytes, gauges.execution_bytes),
            (&self.timers, gauges.timers),
            (&self.waiting_calls, gauges.waiting_calls),
            (&self.task_queues, gauges.task_queues),
            (&self.blocked_workflow_tasks, gauges.blocked_workflow_tasks),
            (&self.set_aside_executions, gauges.set_aside_executions),
            (&self.set_aside_records, gauges.set_aside_records),
        ] {
            gauge.set(value as i64);
        }
    }

    fn render(&self, text: &mut Text) {
        for (name, help, gauge) in [
            ("ostro_engine_executions", "Executions in memory", &self.executions),
            ("ostro_engine_execution_bytes", "Bytes of executions in memory, roughly", &self.execution_bytes),
            ("ostro_engine_timers", "Executions with something due by itself", &self.timers),
            ("ostro_engine_waiting_calls", "Calls other than task polls that wait", &self.waiting_calls),
            ("ostro_engine_task_queues", "Task queues in memory", &self.task_queues),
            (
                "ostro_workflow_tasks_blocked",
                "Executions whose workflow task has failed three times or more in a row; describe names the first error",
                &self.blocked_workflow_tasks,
            ),
            (
                "ostro_set_aside_executions",
                "Executions that are not served, since what is stored of them is damaged; the log and ostro doctor name them",
                &self.set_aside_executions,
            ),
            (
                "ostro_set_aside_records",
                "Schedules, deployments, settings, endpoints, batches and namespaces that are damaged",
                &self.set_aside_records,
            ),
        ] {
            text.gauge(name, help, gauge.get() as f64);
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            requests: Requests::default(),
            engine_queue: Gauge::default(),
            workflow_pollers: Gauge::default(),
            activity_pollers: Gauge::default(),
            nexus_pollers: Gauge::default(),
            held: Held::default(),
            executions_expired: Gauge::default(),
            started_seconds: started.as_secs_f64(),
        }
    }
}

impl ostro_wire::Observer for Metrics {
    fn observe(&self, call: &ostro_wire::Call) {
        self.requests.observe(call);
    }
}

impl Metrics {
    /// A set of metrics to be shared.
    pub fn shared() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Everything in Prometheus' text format.
    pub(crate) fn render(&self, sources: &Sources) -> String {
        let mut text = Text::default();
        self.requests.render(&mut text);
        self.render_engine(&mut text);
        render_store(&sources.writer, &mut text);
        reads::render(&sources.readers, &mut text);
        network::render(&sources.network, &mut text);
        for (name, kind, help, value) in sources.more.iter().flat_map(|more| more()) {
            text.labelled(name, kind, help, &[], value);
        }
        text.gauge(
            "process_start_time_seconds",
            "When the server started, in seconds since the Unix epoch",
            self.started_seconds,
        );
        text.labelled("ostro_build_info", "gauge", "The version of the server", &[("version", crate::VERSION)], 1.0);
        text.finish()
    }

    fn render_engine(&self, text: &mut Text) {
        text.gauge(
            "ostro_engine_queue_depth",
            "Messages that wait for the engine thread",
            self.engine_queue.get() as f64,
        );
        self.held.render(text);
        text.family("ostro_open_polls", "gauge", "Polls that wait for a task");
        text.sample("ostro_open_polls", &[("type", "workflow")], self.workflow_pollers.get() as f64);
        text.sample("ostro_open_polls", &[("type", "activity")], self.activity_pollers.get() as f64);
        text.sample("ostro_open_polls", &[("type", "nexus")], self.nexus_pollers.get() as f64);
        text.counter(
            "ostro_executions_expired_total",
            "Closed executions deleted after their retention",
            self.executions_expired.get() as f64,
        );
    }
}

fn render_store(writer: &Writer, text: &mut Text) {
    let stats = writer.stats();
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    text.counter("ostro_store_commits_total", "Commits that reached the disk", stats.commits.load(Relaxed) as f64);
    text.counter(
        "ostro_store_batches_total",
        "Outputs of the engine, several to a commit",
        stats.batches.load(Relaxed) as f64,
    );
    text.counter("ostro_store_writes_total", "Rows written or deleted", stats.writes.load(Relaxed) as f64);
    text.counter("ostro_store_bytes_total", "Bytes written, roughly", stats.bytes.load(Relaxed) as f64);
    text.counter(
        "ostro_store_commit_seconds_total",
        "Time spent in commits",
        seconds(stats.commit_nanos.load(Relaxed)),
    );
    text.gauge(
        "ostro_store_last_commit_seconds",
        "Time that the newest commit took",
        seconds(stats.last_commit_nanos.load(Relaxed)),
    );
    text.gauge("ostro_store_last_group", "Batches in the newest commit", stats.last_group.load(Relaxed) as f64);
    text.gauge("ostro_store_queued_bytes", "Bytes that wait for a commit", writer.queued_bytes() as f64);
}
