#![allow(deprecated, reason = "what is deprecated may still be sent")]

use ostro_wire::{BoxFuture, Caller, EncodedAnswer, EncodedCall, Transport, operator_service, workflow_service};
use temporalio_protos::temporal::api::command::v1::{
    Command, ScheduleNexusOperationCommandAttributes, SignalExternalWorkflowExecutionCommandAttributes,
};
use temporalio_protos::temporal::api::history::v1::{
    ChildWorkflowExecutionStartedEventAttributes, History, HistoryEvent,
    RequestCancelExternalWorkflowExecutionInitiatedEventAttributes,
    SignalExternalWorkflowExecutionInitiatedEventAttributes, StartChildWorkflowExecutionInitiatedEventAttributes,
    WorkflowExecutionStartedEventAttributes,
};
use temporalio_protos::temporal::api::nexus::v1::endpoint_target::{self, Variant};
use temporalio_protos::temporal::api::nexus::v1::{Endpoint, EndpointSpec, EndpointTarget};
use temporalio_protos::temporal::api::operatorservice::v1::{ListNexusEndpointsRequest, ListNexusEndpointsResponse};
use temporalio_protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use tonic::Code;

use super::*;
use crate::model::access::{Access, Grant};
use crate::service::keys::known::Keys;
use crate::service::keys::{after_restore, create, resume, revoke};
use crate::store::{Records, SqliteRecords};

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
        let keys = Arc::new(Keys::new(records.clone()));
        let endpoints =
            Endpoints { engine: Caller::new(OneEndpoint), callers: [("listed".into(), vec!["c".into()])].into() };
        let door = Arc::new(Door { keys, access: Access::KeyRequired });
        let guard = KeyGuard { door, endpoints: Arc::new(endpoints) };
        Self { guard, records, _directory: directory }
    }

    fn with(access: Access) -> Self {
        let mut fixture = Self::new();
        let keys = Arc::new(Keys::new(fixture.records.clone()));
        fixture.guard.door = Arc::new(Door { keys, access });
        fixture
    }

    async fn key(&self, namespace: &str, role: Role) -> (ApiKey, String) {
        create(&*self.records, "test", vec![Grant { namespace: namespace.into(), role }]).await.unwrap()
    }

    async fn code(&self, key: Option<&str>, method: &str, request: &impl Message) -> Code {
        let service = match method {
            IMPORT => ostro_service::SERVICE,
            _ if method.ends_with("NexusEndpoints") => operator_service::SERVICE,
            _ => workflow_service::SERVICE,
        };
        let headers = key.map(|key| (AUTHORIZATION, format!("Bearer {key}").parse().unwrap()));
        let headers = HeaderMap::from_iter(headers);
        let admitted = self.guard.admit(service, method, &headers, &request.encode_to_vec().into()).await;
        // Who is somebody is greeted, whatever it may do.
        let greeted = self.guard.greet(service, method, &headers).await.map_err(|status| status.code());
        let nobody = admitted.as_ref().is_err_and(|status| status.code() == Code::Unauthenticated);
        assert_eq!(greeted, if nobody { Err(Code::Unauthenticated) } else { Ok(()) });
        admitted.map_or_else(|status| status.code(), |_| Code::Ok)
    }
}

/// Every endpoint leads to workers of namespace `b`; `outside` to a URL.
struct OneEndpoint;

impl Transport for OneEndpoint {
    fn call(&self, call: EncodedCall<'_>) -> BoxFuture<EncodedAnswer> {
        let ListNexusEndpointsRequest { name, .. } = Message::decode(call.request).unwrap();
        let variant = match name.as_str() {
            "missing" => return Box::pin(std::future::ready(Ok(Bytes::new()))),
            "outside" => Variant::External(endpoint_target::External { url: "http://a/".into() }),
            _ => Variant::Worker(endpoint_target::Worker { namespace: "b".into(), task_queue: "q".into() }),
        };
        let spec = EndpointSpec { name, target: Some(EndpointTarget { variant: Some(variant) }), ..Default::default() };
        let endpoints = vec![Endpoint { spec: Some(spec), ..Default::default() }];
        let answer = ListNexusEndpointsResponse { endpoints, ..Default::default() };
        Box::pin(std::future::ready(Ok(answer.encode_to_vec().into())))
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

#[tokio::test]
async fn a_worker_calls_through_an_endpoint_only_where_it_may() {
    let fixture = Fixture::new();
    let operation = |namespace: &str, endpoint: &str| RespondWorkflowTaskCompletedRequest {
        namespace: namespace.into(),
        commands: vec![Command {
            attributes: Some(Attributes::ScheduleNexusOperationCommandAttributes(
                ScheduleNexusOperationCommandAttributes { endpoint: endpoint.into(), ..Default::default() },
            )),
            ..Default::default()
        }],
        ..Default::default()
    };
    let worker = |namespace: &str| {
        let grants = vec![Grant { namespace: namespace.into(), role: Role::Worker }];
        let records = fixture.records.clone();
        async move { create(&*records, "worker", grants).await.unwrap().1 }
    };
    let (a, b, c) = (worker("a").await, worker("b").await, worker("c").await);
    let grants = [("a", Role::Worker), ("b", Role::Operator)].map(|(n, role)| Grant { namespace: n.into(), role });
    let (_, both) = create(&*fixture.records, "both", grants.into()).await.unwrap();
    for (key, namespace, endpoint, expected) in [
        (&a, "a", "pay", Code::PermissionDenied),
        (&a, "a", "listed", Code::PermissionDenied),
        (&b, "b", "pay", Code::Ok),
        (&c, "c", "listed", Code::Ok),
        (&c, "c", "pay", Code::PermissionDenied),
        (&both, "a", "pay", Code::Ok),
        (&a, "a", "outside", Code::Ok),
        (&a, "a", "__temporal_system", Code::Ok),
        (&a, "a", "missing", Code::Ok),
    ] {
        let code = fixture.code(Some(key), "RespondWorkflowTaskCompleted", &operation(namespace, endpoint)).await;
        assert_eq!(code, expected, "{namespace} through {endpoint}");
    }
    let (_, operator) = fixture.key("a", Role::Operator).await;
    let alone =
        StartNexusOperationExecutionRequest { namespace: "a".into(), endpoint: "pay".into(), ..Default::default() };
    assert_eq!(fixture.code(Some(&operator), "StartNexusOperationExecution", &alone).await, Code::PermissionDenied);
}

#[tokio::test]
async fn an_imported_history_reaches_no_further_than_its_key() {
    use history_event::Attributes as Event;
    let fixture = Fixture::new();
    let (_, one) = fixture.key("b", Role::Admin).await;
    let (_, all) = fixture.key(EVERY_NAMESPACE, Role::Admin).await;
    let import = |attributes: Event| ImportWorkflowExecutionRequest {
        namespace: "b".into(),
        history: Some(History { events: vec![HistoryEvent { attributes: Some(attributes), ..Default::default() }] }),
        ..Default::default()
    };
    let a = || "a".to_owned();
    let reaches_a = [
        Event::WorkflowExecutionStartedEventAttributes(WorkflowExecutionStartedEventAttributes {
            parent_workflow_namespace: a(),
            ..Default::default()
        }),
        Event::StartChildWorkflowExecutionInitiatedEventAttributes(
            StartChildWorkflowExecutionInitiatedEventAttributes { namespace: a(), ..Default::default() },
        ),
        Event::ChildWorkflowExecutionStartedEventAttributes(ChildWorkflowExecutionStartedEventAttributes {
            namespace: a(),
            ..Default::default()
        }),
        Event::SignalExternalWorkflowExecutionInitiatedEventAttributes(
            SignalExternalWorkflowExecutionInitiatedEventAttributes { namespace: a(), ..Default::default() },
        ),
        Event::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(
            RequestCancelExternalWorkflowExecutionInitiatedEventAttributes { namespace: a(), ..Default::default() },
        ),
    ];
    for attributes in reaches_a {
        let import = import(attributes);
        assert_eq!(fixture.code(Some(&one), IMPORT, &import).await, Code::PermissionDenied, "{import:?}");
        assert_eq!(fixture.code(Some(&all), IMPORT, &import).await, Code::Ok);
    }
    let own = Event::ChildWorkflowExecutionStartedEventAttributes(ChildWorkflowExecutionStartedEventAttributes {
        namespace: "b".into(),
        ..Default::default()
    });
    assert_eq!(fixture.code(Some(&one), IMPORT, &import(own)).await, Code::Ok);
}

#[tokio::test]
async fn a_key_that_is_given_must_be_right_also_where_none_is_needed() {
    let method = "StartWorkflowExecution";
    for access in [Access::Open, Access::OpenUntilKey] {
        let fixture = Fixture::with(access);
        for (key, expected) in
            [(None, Code::Ok), (Some("any"), Code::Ok), (Some("ostro_unknown"), Code::Unauthenticated)]
        {
            assert_eq!(fixture.code(key, method, &start("a")).await, expected, "{access:?} {key:?}");
        }
        let (_, reader) = fixture.key("a", Role::Reader).await;
        assert_eq!(fixture.code(Some(&reader), method, &start("a")).await, Code::PermissionDenied);
    }
}

#[tokio::test]
async fn the_first_key_locks_the_door_and_its_end_does_not_open_it() {
    let fixture = Fixture::with(Access::OpenUntilKey);
    let (key, secret) = fixture.key("a", Role::Operator).await;
    let method = "StartWorkflowExecution";
    for stranger in [None, Some("any")] {
        assert_eq!(fixture.code(stranger, method, &start("a")).await, Code::Unauthenticated);
    }
    assert_eq!(fixture.code(Some(&secret), method, &start("a")).await, Code::Ok);
    revoke(&*fixture.records, &key.id).await.unwrap();
    let fixture = Fixture { guard: Fixture::with(Access::OpenUntilKey).guard, ..fixture };
    let keys = Arc::new(Keys::new(fixture.records.clone()));
    let door = Door { keys, access: Access::OpenUntilKey };
    assert!(door.needs_key().await.unwrap());
}

#[tokio::test]
async fn a_call_under_way_ends_with_its_key() {
    let fixture = Fixture::new();
    let (key, secret) = fixture.key("a", Role::Worker).await;
    let headers = HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {secret}").parse().unwrap())]);
    let request = start("a").encode_to_vec().into();
    let leave =
        fixture.guard.admit(workflow_service::SERVICE, "PollWorkflowTaskQueue", &headers, &request).await.unwrap();
    let keys = fixture.guard.door.keys.clone();
    let waiting = tokio::spawn(leave.during(std::future::pending::<Result<(), Status>>()));
    revoke(&*fixture.records, &key.id).await.unwrap();
    let watching = tokio::spawn(async move { keys.watch().await });
    let ended = waiting.await.unwrap();
    watching.abort();
    assert_eq!(ended.map_err(|status| status.code()), Err(Code::Unauthenticated));
}

#[tokio::test]
async fn a_restore_revives_no_key() {
    let (replaced, backup) = (Fixture::new(), Fixture::new());
    let both = |name: &'static str| {
        let (replaced, backup) = (replaced.records.clone(), backup.records.clone());
        async move {
            let grants = vec![Grant { namespace: "a".into(), role: Role::Operator }];
            let (key, secret) = create(&*replaced, name, grants).await.unwrap();
            let hash = crate::service::keys::hash_of_key(&secret).unwrap();
            backup.commit(vec![crate::service::keys::put(&hash, &key).unwrap()]).await.unwrap();
            (key, secret)
        }
    };
    let (gone, gone_secret) = both("revoked since").await;
    let (_, active_secret) = both("in use").await;
    let (unknown, unknown_secret) = backup.key("a", Role::Operator).await;
    revoke(&*replaced.records, &gone.id).await.unwrap();
    let set_aside = after_restore(&*backup.records, Some(&*replaced.records)).await.unwrap();
    assert_eq!(set_aside.iter().map(|key| &key.id).collect::<Vec<_>>(), [&unknown.id]);
    let method = "StartWorkflowExecution";
    assert_eq!(backup.code(Some(&gone_secret), method, &start("a")).await, Code::Unauthenticated);
    assert_eq!(backup.code(Some(&active_secret), method, &start("a")).await, Code::Ok);
    assert_eq!(backup.code(Some(&unknown_secret), method, &start("a")).await, Code::Unauthenticated);
    resume(&*backup.records, &unknown.id).await.unwrap();
    assert!(resume(&*backup.records, &gone.id).await.is_err(), "what is revoked stays so");
    let alone = Fixture::new();
    let (_, secret) = alone.key("a", Role::Operator).await;
    assert_eq!(after_restore(&*alone.records, None).await.unwrap().len(), 1);
    assert_eq!(alone.code(Some(&secret), method, &start("a")).await, Code::Unauthenticated);
}
