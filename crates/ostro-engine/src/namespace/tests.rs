//! The calls on namespaces; error texts were seen on the reference server.

use prost_wkt_types::Duration;
use temporalio_protos::temporal::api::namespace::v1::{NamespaceConfig, NamespaceFilter, UpdateNamespaceInfo};
use temporalio_protos::temporal::api::operatorservice::v1::*;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::*;
use crate::base::error::ErrorKind;
use crate::base::ids::Ids;
use crate::base::time::{DAY, Time};
use crate::config::Config;

fn request(name: &str, seconds: i64) -> RegisterNamespaceRequest {
    RegisterNamespaceRequest {
        namespace: name.into(),
        description: "d".into(),
        data: [("a".to_owned(), "b".to_owned())].into(),
        workflow_execution_retention_period: Some(Duration { seconds, nanos: 0 }),
        ..Default::default()
    }
}

fn register(namespaces: &mut Namespaces, request: RegisterNamespaceRequest) -> Result<Vec<Write>> {
    let mut ids = Ids::predictable(namespaces.iter().count() as u64);
    namespaces.register(request, &mut ids, Time::from_nanos(7), &Config::default()).map(|(_, writes)| writes)
}

fn with(names: &[&str]) -> Namespaces {
    let mut namespaces = Namespaces::default();
    for name in names {
        register(&mut namespaces, request(name, 86_400)).unwrap();
    }
    namespaces
}

fn add(namespaces: &mut Namespaces, name: &str, ty: i32) -> Result<usize> {
    let search_attributes = [(name.to_owned(), ty)].into();
    let request = AddSearchAttributesRequest { namespace: "n".into(), search_attributes };
    namespaces.add_search_attributes(request).map(|(_, writes)| writes.len())
}

#[test]
fn registering_is_checked() {
    let mut namespaces = with(&["n"]);
    let rows: [(RegisterNamespaceRequest, &str); 8] = [
        (request("", 86_400), "Namespace not set on request."),
        (request(&"x".repeat(1001), 86_400), "Namespace length exceeds limit."),
        (request("m", 3599), "A valid retention period is not set on request."),
        (request("m", -1), "A valid retention period is not set on request."),
        (request("n", 86_400), "Namespace \"n\" already exists"),
        (request("temporal-system", 86_400), "Namespace \"temporal-system\" already exists"),
        (
            RegisterNamespaceRequest { is_global_namespace: true, ..request("m", 86_400) },
            "Cannot register global namespace when not enabled",
        ),
        (
            RegisterNamespaceRequest { active_cluster_name: "foo".into(), ..request("m", 86_400) },
            "Invalid cluster name: foo",
        ),
    ];
    for (request, message) in rows {
        assert_eq!(register(&mut namespaces, request).unwrap_err().message, message);
    }
    assert!(register(&mut namespaces, request("a b/é", 3600)).is_ok());
    assert_eq!(namespaces.get("n").unwrap().search_attributes, [("OtelTraceId".to_owned(), 2)].into());
}

#[test]
fn what_is_written_is_what_is_restored() {
    let mut namespaces = Namespaces::default();
    let writes = register(&mut namespaces, request("n", 86_400)).unwrap();
    let [Write::PutNamespace(row)] = writes.as_slice() else { panic!("one write") };
    let restored = Namespaces::restore(vec![row.clone()]).0;
    assert_eq!(restored.get("n"), namespaces.get("n"));
    assert_eq!(restored.get("n").unwrap().retention, DAY);
}

#[test]
fn namespaces_are_described_by_name_or_id() {
    let namespaces = with(&["n"]);
    let describe = |namespace: &str, id: &str| {
        let request = DescribeNamespaceRequest { namespace: namespace.into(), id: id.into(), ..Default::default() };
        namespaces.describe(&request, &Config::default())
    };
    let uuid = &namespaces.get("n").unwrap().uuid;
    let by_name = describe("n", "").unwrap();
    assert_eq!(describe("", uuid).unwrap(), by_name);
    let info = by_name.namespace_info.unwrap();
    assert_eq!((info.description.as_str(), info.data["a"].as_str()), ("d", "b"));
    assert_eq!(info.limits.unwrap().blob_size_limit_error, 2 << 20);
    assert_eq!(describe("", "").unwrap_err().message, "Namespace not set on request.");
    assert_eq!(describe("n", uuid).unwrap_err().kind, ErrorKind::InvalidArgument);
    assert_eq!(describe("x", "").unwrap_err().message, "Namespace x is not found.");
}

#[test]
fn lists_come_in_pages_without_the_deleted() {
    let mut namespaces = with(&["a", "b", "c", "d"]);
    namespaces.delete(&DeleteNamespaceRequest { namespace: "b".into(), ..Default::default() }).unwrap();
    let mut request = ListNamespacesRequest { page_size: 2, ..Default::default() };
    let mut pages = Vec::new();
    loop {
        let page = namespaces.list(&request, &Config::default()).unwrap();
        pages.push(page.namespaces.into_iter().map(|n| n.namespace_info.unwrap().name).collect::<Vec<_>>());
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    assert_eq!(pages, [vec!["a", "c"], vec!["d"]]);
    let all = ListNamespacesRequest {
        namespace_filter: Some(NamespaceFilter { include_deleted: true }),
        ..Default::default()
    };
    assert_eq!(namespaces.list(&all, &Config::default()).unwrap().namespaces.len(), 4);
    for bad in [
        ListNamespacesRequest { page_size: -1, ..all.clone() },
        ListNamespacesRequest { next_page_token: vec![1], ..all },
    ] {
        assert_eq!(namespaces.list(&bad, &Config::default()).unwrap_err().kind, ErrorKind::InvalidArgument);
    }
}

#[test]
fn updates_merge_data_and_keep_what_is_not_set() {
    let mut namespaces = with(&["n"]);
    let update = |namespaces: &mut Namespaces, info: UpdateNamespaceInfo, seconds: Option<i64>| {
        let config = seconds.map(|seconds| NamespaceConfig {
            workflow_execution_retention_ttl: Some(Duration { seconds, nanos: 0 }),
            ..Default::default()
        });
        let request =
            UpdateNamespaceRequest { namespace: "n".into(), update_info: Some(info), config, ..Default::default() };
        namespaces.update(request, &Config::default()).map(|(_, writes)| writes.len())
    };
    let info =
        UpdateNamespaceInfo { owner_email: "e".into(), data: [("c".into(), "d".into())].into(), ..Default::default() };
    assert_eq!(update(&mut namespaces, info, Some(2 * 86_400)), Ok(1));
    assert_eq!(update(&mut namespaces, UpdateNamespaceInfo::default(), None), Ok(0), "nothing new, nothing written");
    let namespace = namespaces.get("n").unwrap();
    assert_eq!((namespace.description.as_str(), namespace.owner_email.as_str()), ("d", "e"));
    assert_eq!((namespace.data.len(), namespace.retention), (2, 2 * DAY));
    let short = update(&mut namespaces, UpdateNamespaceInfo::default(), Some(0)).unwrap_err();
    assert_eq!(short.message, "A valid retention period is not set on request.");
    let state = |state: NamespaceState| UpdateNamespaceInfo { state: state as i32, ..Default::default() };
    assert!(update(&mut namespaces, state(NamespaceState::Deleted), None).is_err());
    assert_eq!(update(&mut namespaces, state(NamespaceState::Deprecated), None), Ok(1));
    assert!(update(&mut namespaces, state(NamespaceState::Registered), None).is_err());
}

#[test]
fn a_deleted_namespace_is_renamed_then_forgotten() {
    let mut namespaces = with(&["n", "m"]);
    let uuid = namespaces.get("n").unwrap().uuid.clone();
    let delete = |name: &str, uuid: &str| DeleteNamespaceRequest {
        namespace: name.into(),
        namespace_id: uuid.into(),
        ..Default::default()
    };
    assert_eq!(namespaces.delete(&delete("n", &uuid)).unwrap_err().kind, ErrorKind::InvalidArgument);
    assert_eq!(namespaces.delete(&delete("temporal-system", "")).unwrap_err().kind, ErrorKind::FailedPrecondition);
    assert_eq!(namespaces.delete(&delete("", "nope")).unwrap_err().kind, ErrorKind::NotFound);
    let (response, writes) = namespaces.delete(&delete("", &uuid)).unwrap();
    assert_eq!(response.deleted_namespace, format!("n-deleted-{}", &uuid[..5]));
    assert_eq!(writes.len(), 1);
    assert!(namespaces.get("n").is_err());
    let again = namespaces.delete(&delete(&response.deleted_namespace, "")).unwrap();
    assert_eq!((again.0, again.1.len()), (response, 0));
    let id = namespaces.deleted().map(|namespace| namespace.id).next().unwrap();
    assert_eq!(namespaces.forget(id), [Write::DeleteNamespace(id)]);
    assert_eq!(namespaces.iter().count(), 1);
    assert!(register(&mut namespaces, request("n", 86_400)).is_ok(), "the name is free again");
}

#[test]
fn search_attributes_are_added_and_removed() {
    let mut namespaces = with(&["n"]);
    assert_eq!(add(&mut namespaces, "kw", 2), Ok(1));
    assert_eq!(add(&mut namespaces, "kw", 2), Ok(0), "there already");
    assert_eq!(add(&mut namespaces, "OtelTraceId", 2), Ok(0));
    assert_eq!(add(&mut namespaces, "kw", 1).unwrap_err().kind, ErrorKind::AlreadyExists);
    let rows = [
        ("WorkflowId", 2, "Search attribute WorkflowId is reserved by system."),
        ("TemporalFoo", 2, "Search attribute TemporalFoo is reserved by system."),
        ("u", 99, "Unknown search attribute type: 99."),
        ("u", 0, "Unable to create search attributes: cannot have more than 0 search attribute of type Unspecified."),
        ("", 2, "Search attribute name must have 1 to 1000 bytes, not 0."),
    ];
    for (name, ty, message) in rows {
        assert_eq!(add(&mut namespaces, name, ty).unwrap_err().message, message);
    }
    let remove = |names: &[&str]| RemoveSearchAttributesRequest {
        namespace: "n".into(),
        search_attributes: names.iter().map(ToString::to_string).collect(),
    };
    let refused = namespaces.remove_search_attributes(&remove(&["kw", "BuildIds"])).unwrap_err();
    assert_eq!(refused.message, "Unable to remove non-custom search attributes: BuildIds.");
    assert_eq!(namespaces.remove_search_attributes(&remove(&["kw", "nope"])).unwrap().1.len(), 1);
    let listed = namespaces.list_search_attributes(&ListSearchAttributesRequest { namespace: "n".into() }).unwrap();
    assert_eq!((listed.custom_attributes.len(), listed.system_attributes.len()), (1, 33));
    assert_eq!(namespaces.resolve("n").unwrap().search_attributes.len(), 34);
}

#[test]
fn deprecating_twice_is_no_error() {
    let mut namespaces = with(&["n"]);
    let request = DeprecateNamespaceRequest { namespace: "n".into(), ..Default::default() };
    assert_eq!(namespaces.deprecate(&request).unwrap().1.len(), 1);
    assert_eq!(namespaces.deprecate(&request).unwrap().1.len(), 0);
    assert_eq!(namespaces.get("n").unwrap().state, NamespaceState::Deprecated);
}
