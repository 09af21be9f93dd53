use std::sync::Arc;

use async_trait::async_trait;
use ostro_wire::{Answer, CallContext, Caller, Services, WorkflowService};
use prost_wkt_types::Duration as ProtoDuration;
use temporalio_protos::temporal::api::namespace::v1::NamespaceConfig;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceResponse, DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
};
use tonic::Status;

use super::*;
use crate::model::access::Access;
use crate::model::record::{Document, Entry, put};
use crate::service::api::{Scheduler, Settings};
use crate::store::{Records, SqliteRecords};

const HOUR: i64 = 3_600_000_000_000;

/// Keeps for two hours, and has the run `new` of execution `here` only.
struct OneRun;

#[async_trait]
impl WorkflowService for OneRun {
    async fn describe_namespace(
        &self,
        _: &CallContext,
        _: DescribeNamespaceRequest,
    ) -> Answer<DescribeNamespaceResponse> {
        let ttl = ProtoDuration { seconds: 7200, nanos: 0 };
        let config = NamespaceConfig { workflow_execution_retention_ttl: Some(ttl), ..Default::default() };
        Ok(DescribeNamespaceResponse { config: Some(config), ..Default::default() }.into())
    }

    async fn describe_workflow_execution(
        &self,
        _: &CallContext,
        request: DescribeWorkflowExecutionRequest,
    ) -> Answer<DescribeWorkflowExecutionResponse> {
        let wanted = request.execution.unwrap();
        if wanted.workflow_id != "here" || !matches!(wanted.run_id.as_str(), "" | "new") {
            return Err(Status::not_found("no such execution"));
        }
        let info = WorkflowExecutionInfo { execution: Some(wanted), ..Default::default() };
        Ok(DescribeWorkflowExecutionResponse { workflow_execution_info: Some(info), ..Default::default() }.into())
    }
}

struct Fixture {
    api: Arc<Api>,
    now: i64,
    _directory: tempfile::TempDir,
}

impl Fixture {
    async fn new(records_retention: Option<Duration>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let records = SqliteRecords::open(&directory.path().join("records.db"), false).unwrap();
        let workflow = Document {
            kind: Kind::Workflow,
            namespace: "n".into(),
            key: "w".into(),
            terms: Vec::new(),
            body: "{}".into(),
        };
        records.commit(vec![Change::Put(workflow)]).await.unwrap();
        let settings = Settings {
            namespace: "n".into(),
            access: Access::Open,
            nexus_callers: Default::default(),
            scheduler: Scheduler::SameHost(1),
            scheduler_tls: false,
            records_retention,
            retention_interval: Duration::from_secs(1),
            throttle: None,
        };
        let api = Api::new(Caller::new(Services::new(Arc::new(OneRun))), Arc::new(records), settings).await.unwrap();
        Self { api, now: Moment::now().nanoseconds(), _directory: directory }
    }

    async fn append(&self, journal: Journal, execution: &str, run: &str, hours_ago: i64) {
        let entry = Entry {
            sequence: 0,
            journal,
            namespace: "n".into(),
            id: format!("{execution}/{run}/{hours_ago}"),
            at: self.now - hours_ago * HOUR,
            root: execution.into(),
            execution: execution.into(),
            run: run.into(),
            kind: "K".into(),
            source: "s".into(),
            body: "{}".into(),
        };
        self.api.store.write(vec![Change::Append(entry)]).await.unwrap();
    }

    async fn left(&self, journal: Journal) -> Vec<String> {
        let entries = self.api.store.read(Filter::all(journal, "n")).await.unwrap();
        entries.into_iter().map(|entry| entry.id).collect()
    }

    async fn document(&self, kind: Kind, key: &str, record: serde_json::Value) {
        let change = put(kind, "n", key.to_owned(), vec![format!("term:{key}")], &record).unwrap();
        self.api.store.write(vec![change]).await.unwrap();
    }

    async fn keys(&self, kind: Kind) -> Vec<String> {
        let query = Query { kind, namespace: "n".into(), term: None, after: String::new(), limit: 100 };
        self.api.store.find(query).await.unwrap().into_iter().map(|found| found.key).collect()
    }

    fn ago(&self, hours: i64) -> String {
        serde_json::to_value(Moment::of_nanoseconds(self.now - hours * HOUR)).unwrap().as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn entries_go_with_their_run_once_they_are_old() {
    let fixture = Fixture::new(None).await;
    for (execution, run) in [("here", "new"), ("here", "old"), ("gone", "new")] {
        fixture.append(Journal::Event, execution, run, 3).await;
        fixture.append(Journal::Event, execution, run, 1).await;
    }
    fixture.append(Journal::Event, "unknown", "recent", 1).await;
    for (execution, hours) in [("", 3), ("", 1), ("gone", 3), ("here", 3)] {
        fixture.append(Journal::Log, execution, "", hours).await;
    }
    round(&fixture.api, &mut Cursors::default()).await.unwrap();
    // What is still there keeps what is old; what is gone keeps nothing, once any of it is old.
    assert_eq!(fixture.left(Journal::Event).await, ["here/new/3", "here/new/1", "unknown/recent/1"]);
    assert_eq!(fixture.left(Journal::Log).await, ["//1", "here//3"]);
}

#[tokio::test]
async fn documents_go_with_what_they_are_of() {
    let fixture = Fixture::new(None).await;
    let run = |execution: &str, hours: i64| serde_json::json!({"execution_id": execution, "registered_at": fixture.ago(hours), "execution_token_hash": ""});
    fixture.document(Kind::Run, "new", run("here", 3)).await;
    fixture.document(Kind::Run, "old", run("here", 3)).await;
    fixture.document(Kind::Run, "recent", run("gone", 1)).await;
    let execution = |hours: i64| serde_json::json!({"workflow_name": "w", "task_queue": "q", "search_keys": {}, "registered_at": fixture.ago(hours)});
    fixture.document(Kind::Execution, "here", execution(3)).await;
    fixture.document(Kind::Execution, "gone", execution(3)).await;
    fixture.document(Kind::Execution, "starting", execution(0)).await;
    let worker = |hours: i64| {
        let at = fixture.ago(hours);
        serde_json::json!({"deployment_name": "d", "name": "w", "created_at": at, "updated_at": at,
            "last_heartbeat": at, "location": null, "registrations": []})
    };
    fixture.document(Kind::Worker, "dead", worker(3)).await;
    fixture.document(Kind::Worker, "living", worker(0)).await;
    round(&fixture.api, &mut Cursors::default()).await.unwrap();
    assert_eq!(fixture.keys(Kind::Run).await, ["new", "recent"]);
    assert_eq!(fixture.keys(Kind::Execution).await, ["here", "starting"]);
    assert_eq!(fixture.keys(Kind::Worker).await, ["living"]);
}

#[tokio::test]
async fn the_settings_go_over_the_retention_of_the_namespace() {
    let fixture = Fixture::new(Some(Duration::from_secs(10 * 3600))).await;
    fixture.append(Journal::Event, "gone", "r", 3).await;
    fixture.append(Journal::Span, "", "", 11).await;
    fixture.append(Journal::Span, "", "", 3).await;
    round(&fixture.api, &mut Cursors::default()).await.unwrap();
    assert_eq!(fixture.left(Journal::Event).await, ["gone/r/3"]);
    assert_eq!(fixture.left(Journal::Span).await, ["//3"]);
}
