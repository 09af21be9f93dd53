#![allow(deprecated, reason = "what is deprecated may still be sent")]

use ostro_wire::{operator_service, workflow_service};
use temporalio_protos::temporal::api::command::v1::{Command, SignalExternalWorkflowExecutionCommandAttributes};
use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use tonic::Code;

use super::*;
use crate::auth::{Grant, create, revoke};
use crate::records::{Records, SqliteRecords};

struct Fixture {
    guard: KeyGuard,
    records: Arc<dyn Records>,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let records: Arc<dyn Records> =
            Arc::new(SqliteRecords::open(&directory.path().join("records.db"), false).unwrap());
        let guard = KeyGuard { keys: Arc::new(Keys::new(records.clone())) };
        Self { guard, records, _directory: directory }
    }

    async fn key(&self, namespace: &str, role: Role) -> (ApiKey, String) {
        create(&*self.records, "test", vec![Grant { namespace: namespace.into(), role }]).await.unwrap()
    }

    async fn code(&self, key: Option<&str>, method: &str, request: &impl Message) -> Code {
        let service =
            if method.ends_with("NexusEndpoints") { operator_service::SERVICE } else { workflow_service::SERVICE };
        let headers = key.map(|key| (AUTHORIZATION, format!("Bearer {key}").parse().unwrap()));
        let headers = HeaderMap::from_iter(headers);
        let admitted = self.guard.admit(service, method, &headers, &request.encode_to_vec().into()).await;
        admitted.map_or_else(|status| status.code(), |()| Code::Ok)
    }
}

fn start(namespace: &str) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { namespace: namespace.into(), ..Default::default() }
}

#[tokio::test]
async fn a_key_is_let_in_where_its_role_suffices() {
    let fixture = Fixture::new();
    let (_, operator) = fixture.key("a", Role::Operator).await;
    let (_, worker) = fixture.key("a", Role::Worker).await;
    let method = "StartWorkflowExecution";
    assert_eq!(fixture.code(Some(&operator), method, &start("a")).await, Code::Ok);
    assert_eq!(fixture.code(Some(&worker), method, &start("a")).await, Code::PermissionDenied);
    assert_eq!(fixture.code(Some(&operator), method, &start("b")).await, Code::PermissionDenied);
    assert_eq!(fixture.code(Some(&operator), method, &start("")).await, Code::PermissionDenied);
    for stranger in [None, Some("ostro_0000"), Some("any")] {
        assert_eq!(fixture.code(stranger, method, &start("a")).await, Code::Unauthenticated);
        assert_eq!(fixture.code(stranger, "GetSystemInfo", &start("")).await, Code::Unauthenticated);
    }
    assert_eq!(fixture.code(Some(&worker), "GetSystemInfo", &start("")).await, Code::Ok);
}

#[tokio::test]
async fn what_is_about_all_namespaces_needs_a_key_for_all() {
    let fixture = Fixture::new();
    let (_, one) = fixture.key("a", Role::Admin).await;
    let (_, all) = fixture.key(EVERY_NAMESPACE, Role::Admin).await;
    for method in ["ListNamespaces", "ListNexusEndpoints"] {
        assert_eq!(fixture.code(Some(&one), method, &()).await, Code::PermissionDenied);
        assert_eq!(fixture.code(Some(&all), method, &()).await, Code::Ok);
    }
    assert_eq!(fixture.code(Some(&all), "StartWorkflowExecution", &start("any")).await, Code::Ok);
    // By its id a namespace is any.
    let by_id = DescribeNamespaceRequest { namespace: "a".into(), id: "other".into(), ..Default::default() };
    assert_eq!(fixture.code(Some(&one), "DescribeNamespace", &by_id).await, Code::PermissionDenied);
    let by_name = DescribeNamespaceRequest { namespace: "a".into(), ..Default::default() };
    assert_eq!(fixture.code(Some(&one), "DescribeNamespace", &by_name).await, Code::Ok);
}

#[tokio::test]
async fn a_worker_reaches_into_another_namespace_only_with_a_role_there() {
    let fixture = Fixture::new();
    let (_, inside) = fixture.key("a", Role::Worker).await;
    let grants = [("a", Role::Worker), ("b", Role::Operator)]
        .map(|(namespace, role)| Grant { namespace: namespace.into(), role });
    let (_, both) = create(&*fixture.records, "both", grants.into()).await.unwrap();
    let signal = |namespace: &str| RespondWorkflowTaskCompletedRequest {
        namespace: "a".into(),
        commands: vec![Command {
            attributes: Some(Attributes::SignalExternalWorkflowExecutionCommandAttributes(
                SignalExternalWorkflowExecutionCommandAttributes { namespace: namespace.into(), ..Default::default() },
            )),
            ..Default::default()
        }],
        ..Default::default()
    };
    let method = "RespondWorkflowTaskCompleted";
    assert_eq!(fixture.code(Some(&inside), method, &signal("a")).await, Code::Ok);
    assert_eq!(fixture.code(Some(&inside), method, &signal("")).await, Code::Ok);
    assert_eq!(fixture.code(Some(&inside), method, &signal("b")).await, Code::PermissionDenied);
    assert_eq!(fixture.code(Some(&both), method, &signal("b")).await, Code::Ok);
}

#[tokio::test]
async fn a_revoked_key_is_nobodys() {
    let fixture = Fixture::new();
    let (key, secret) = fixture.key("a", Role::Operator).await;
    revoke(&*fixture.records, &key.id).await.unwrap();
    assert_eq!(fixture.code(Some(&secret), "StartWorkflowExecution", &start("a")).await, Code::Unauthenticated);
}
