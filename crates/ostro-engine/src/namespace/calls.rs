//! The calls on namespaces, with the reference server's error texts.

use temporalio_protos::temporal::api::{
    enums::v1::{ArchivalState, NamespaceState, ReplicationState},
    errordetails::v1::NamespaceAlreadyExistsFailure,
    namespace::v1::{BadBinaries, NamespaceConfig, NamespaceInfo, UpdateNamespaceInfo, namespace_info::Limits},
    operatorservice::v1::{DeleteNamespaceRequest, DeleteNamespaceResponse},
    replication::v1::{ClusterReplicationConfig, NamespaceReplicationConfig},
    workflowservice::v1::*,
};

use super::{Namespace, Namespaces, Outcome, RETENTION_MIN, capabilities};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::ids::Ids;
use crate::base::time::{Span, Time, duration, from_duration};
use crate::config::{Config, FOREVER};
use crate::search::INITIAL_CUSTOM;
use crate::stored::persistence::NamespaceId;

/// The one cluster that there is, by the name that the reference server gives it.
const CLUSTER: &str = "active";

/// The namespace that the reference server keeps for itself; nobody may take the name.
const SYSTEM_NAMESPACE: &str = "temporal-system";

const PAGE_SIZE_DEFAULT: usize = 100;
/// All are in memory.
const NAMESPACES_MAX: usize = 10_000;

impl Namespaces {
    /// Makes a namespace, with the attribute `OtelTraceId`.
    ///
    /// # Errors
    /// ALREADY_EXISTS; INVALID_ARGUMENT for an empty or long name, a retention under an hour, another cluster.
    pub fn register(
        &mut self,
        request: RegisterNamespaceRequest,
        ids: &mut Ids,
        now: Time,
        config: &Config,
    ) -> Outcome<RegisterNamespaceResponse> {
        self.check_registration(&request, config)?;
        if self.by_id.len() >= NAMESPACES_MAX {
            let message = format!("there are {NAMESPACES_MAX} namespaces, and no more may be made: delete some first");
            return Err(Error::new(ErrorKind::ResourceExhausted, message));
        }
        self.check_none_is_set_aside()?;
        let namespace = Namespace {
            id: self.next_id(),
            uuid: ids.uuid(),
            name: request.namespace,
            state: NamespaceState::Registered,
            description: request.description,
            owner_email: request.owner_email,
            data: request.data.into_iter().collect(),
            retention: retention(&request.workflow_execution_retention_period)?,
            search_attributes: INITIAL_CUSTOM.iter().map(|(name, ty)| ((*name).to_owned(), ty.number())).collect(),
            created: now,
        };
        let write = super::stored::write(&namespace);
        self.insert(namespace);
        Ok((RegisterNamespaceResponse {}, vec![write]))
    }

    /// A namespace by its name or its id.
    pub fn describe(&self, request: &DescribeNamespaceRequest, config: &Config) -> Result<DescribeNamespaceResponse> {
        let namespace = match (request.namespace.as_str(), request.id.as_str()) {
            (name, "") => self.get(name)?,
            ("", uuid) => self.by_uuid(uuid).ok_or_else(|| Error::namespace_not_found(uuid))?,
            _ => return Err(Error::invalid("GetNamespace operation failed.  Both ID and Name specified in request.")),
        };
        Ok(describe(namespace, config))
    }

    /// A page of namespaces, the oldest first; 100 where the request does not say how many.
    pub fn list(&self, request: &ListNamespacesRequest, config: &Config) -> Result<ListNamespacesResponse> {
        let size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE_SIZE_DEFAULT,
            Ok(size) => size,
            Err(_) => return Err(Error::invalid(format!("Invalid PageSize: {}.", request.page_size))),
        };
        let after = page_token(&request.next_page_token)?;
        let include_deleted = request.namespace_filter.as_ref().is_some_and(|filter| filter.include_deleted);
        let mut rest = self.iter().filter(|n| n.id > after && (include_deleted || !n.is_deleted()));
        let page: Vec<_> = rest.by_ref().take(size).collect();
        let more = rest.next().is_some();
        Ok(ListNamespacesResponse {
            next_page_token: page.last().filter(|_| more).map(|n| n.id.to_be_bytes().to_vec()).unwrap_or_default(),
            namespaces: page.into_iter().map(|namespace| describe(namespace, config)).collect(),
        })
    }

    /// Changes what the request sets; `data` is merged by key, and empty texts leave what is there.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a retention under an hour, another cluster, and what there is not (bad binaries, aliases).
    pub fn update(&mut self, request: UpdateNamespaceRequest, config: &Config) -> Outcome<UpdateNamespaceResponse> {
        let namespace = self.get(&request.namespace)?;
        let id = namespace.id;
        check_update(&request, namespace)?;
        let retention = match request.config.as_ref().map(|config| &config.workflow_execution_retention_ttl) {
            Some(ttl @ Some(_)) => Some(retention(ttl)?),
            _ => None,
        };
        let writes = self.change(id, |namespace| {
            namespace.retention = retention.unwrap_or(namespace.retention);
            apply(namespace, request.update_info.unwrap_or_default());
        });
        let described = describe(&self.by_id[&id], config);
        let response = UpdateNamespaceResponse {
            namespace_info: described.namespace_info,
            config: described.config,
            replication_config: described.replication_config,
            ..Default::default()
        };
        Ok((response, writes))
    }

    /// Marks a namespace as deprecated: a word to its users, nothing is refused.
    pub(crate) fn deprecate(&mut self, request: &DeprecateNamespaceRequest) -> Outcome<DeprecateNamespaceResponse> {
        let id = self.get(&request.namespace)?.id;
        let writes = self.change(id, |namespace| {
            if !namespace.is_deleted() {
                namespace.state = NamespaceState::Deprecated;
            }
        });
        Ok((DeprecateNamespaceResponse {}, writes))
    }

    /// Renames a namespace to `<name>-deleted-<start of its id>` and marks it as deleted. From then on its name is free;
    /// the caller deletes its executions and then calls [`Namespaces::forget`].
    ///
    /// # Errors
    /// INVALID_ARGUMENT unless exactly one of name and id is set; FAILED_PRECONDITION for the system namespace; NOT_FOUND.
    pub fn delete(&mut self, request: &DeleteNamespaceRequest) -> Outcome<DeleteNamespaceResponse> {
        let namespace = match (request.namespace.as_str(), request.namespace_id.as_str()) {
            (SYSTEM_NAMESPACE, "") => return Err(Error::failed_precondition("unable to delete system namespace")),
            (name, "") => self.get(name)?,
            ("", uuid) => self.by_uuid(uuid).ok_or_else(|| Error::namespace_not_found(uuid))?,
            _ => return Err(Error::invalid("Only one of namespace name or Id should be set on request.")),
        };
        let (id, deleted_namespace) = (namespace.id, self.deleted_name(namespace));
        let writes = self.change(id, |namespace| {
            namespace.state = NamespaceState::Deleted;
            namespace.name.clone_from(&deleted_namespace);
        });
        Ok((DeleteNamespaceResponse { deleted_namespace }, writes))
    }

    /// Namespaces whose executions are to be deleted.
    pub fn deleted(&self) -> impl Iterator<Item = &Namespace> {
        self.iter().filter(|namespace| namespace.is_deleted())
    }

    fn deleted_name(&self, namespace: &Namespace) -> String {
        if namespace.is_deleted() {
            return namespace.name.clone();
        }
        let name = |length: usize| format!("{}-deleted-{}", namespace.name, &namespace.uuid[..length]);
        (5..namespace.uuid.len()).map(name).find(|name| self.by_name(name).is_none()).unwrap_or_else(|| name(5))
    }

    fn check_registration(&self, request: &RegisterNamespaceRequest, config: &Config) -> Result<()> {
        let name = &request.namespace;
        if name.is_empty() {
            return Err(Error::invalid("Namespace not set on request."));
        }
        if name.len() > config.id_length_max {
            return Err(Error::invalid("Namespace length exceeds limit."));
        }
        if request.is_global_namespace {
            return Err(Error::invalid("Cannot register global namespace when not enabled"));
        }
        check_clusters(&request.active_cluster_name, &request.clusters)?;
        retention(&request.workflow_execution_retention_period)?;
        if name == SYSTEM_NAMESPACE || self.by_name(name).is_some() {
            let error = Error::new(ErrorKind::AlreadyExists, format!("Namespace \"{name}\" already exists"));
            let detail = NamespaceAlreadyExistsFailure::default();
            return Err(error.with("temporal.api.errordetails.v1.NamespaceAlreadyExistsFailure", &detail));
        }
        Ok(())
    }
}

fn check_clusters(active: &str, clusters: &[ClusterReplicationConfig]) -> Result<()> {
    let named = clusters.iter().map(|cluster| cluster.cluster_name.as_str());
    match std::iter::once(active).chain(named).find(|name| !matches!(*name, "" | CLUSTER)) {
        Some(name) => Err(Error::invalid(format!("Invalid cluster name: {name}"))),
        None => Ok(()),
    }
}

fn check_update(request: &UpdateNamespaceRequest, namespace: &Namespace) -> Result<()> {
    if request.promote_namespace {
        let name = &request.namespace;
        return Err(Error::invalid(format!(
            "global namespace is not enabled on this cluster, cannot update global namespace or promote local namespace: {name}"
        )));
    }
    if !request.delete_bad_binary.is_empty() {
        return Err(Error::invalid(format!("Bad binary checksum {} doesn't exists.", request.delete_bad_binary)));
    }
    if let Some(replication) = &request.replication_config {
        check_clusters(&replication.active_cluster_name, &replication.clusters)?;
    }
    if let Some(config) = &request.config {
        check_config(config)?;
    }
    check_state(request.update_info.as_ref().map_or(0, |info| info.state), namespace)
}

fn check_config(config: &NamespaceConfig) -> Result<()> {
    if !config.custom_search_attribute_aliases.is_empty() {
        return Err(Error::invalid(
            "Search attributes have no aliases here: add them by name with OperatorService.AddSearchAttributes.",
        ));
    }
    if config.bad_binaries.as_ref().is_some_and(|bad| !bad.binaries.is_empty()) {
        return Err(Error::invalid("Bad binaries are not supported: reset or terminate the executions concerned."));
    }
    Ok(())
}

fn check_state(state: i32, namespace: &Namespace) -> Result<()> {
    match NamespaceState::try_from(state) {
        Ok(NamespaceState::Unspecified) => Ok(()),
        Ok(state) if state == namespace.state => Ok(()),
        Ok(NamespaceState::Deprecated) if namespace.state == NamespaceState::Registered => Ok(()),
        Ok(NamespaceState::Deleted) => {
            Err(Error::invalid("Invalid namespace state transition: delete it with OperatorService.DeleteNamespace."))
        }
        _ => Err(Error::invalid("Invalid namespace state transition.")),
    }
}

fn apply(namespace: &mut Namespace, info: UpdateNamespaceInfo) {
    if let (state, true) = (info.state(), info.state != 0) {
        namespace.state = state;
    }
    if !info.description.is_empty() {
        namespace.description = info.description;
    }
    if !info.owner_email.is_empty() {
        namespace.owner_email = info.owner_email;
    }
    namespace.data.extend(info.data);
}

/// The retention that a request asks for, 100 years at most.
fn retention(asked: &Option<prost_wkt_types::Duration>) -> Result<Span> {
    let span = from_duration(asked).min(FOREVER);
    if span < RETENTION_MIN {
        return Err(Error::invalid("A valid retention period is not set on request."));
    }
    Ok(span)
}

fn page_token(token: &[u8]) -> Result<NamespaceId> {
    if token.is_empty() {
        return Ok(0);
    }
    token.try_into().map(NamespaceId::from_be_bytes).map_err(|_| Error::invalid("Invalid NextPageToken."))
}

fn describe(namespace: &Namespace, config: &Config) -> DescribeNamespaceResponse {
    DescribeNamespaceResponse {
        namespace_info: Some(NamespaceInfo {
            name: namespace.name.clone(),
            state: namespace.state as i32,
            description: namespace.description.clone(),
            owner_email: namespace.owner_email.clone(),
            data: namespace.data.clone().into_iter().collect(),
            id: namespace.uuid.clone(),
            capabilities: Some(capabilities()),
            limits: Some(Limits {
                blob_size_limit_error: config.blob_bytes_max as i64,
                memo_size_limit_error: config.memo_bytes_max as i64,
                workflow_task_completion_size_limit_error: 0,
            }),
            supports_schedules: true,
        }),
        config: Some(NamespaceConfig {
            workflow_execution_retention_ttl: duration(namespace.retention),
            bad_binaries: Some(BadBinaries::default()),
            history_archival_state: ArchivalState::Disabled as i32,
            visibility_archival_state: ArchivalState::Disabled as i32,
            ..Default::default()
        }),
        replication_config: Some(NamespaceReplicationConfig {
            active_cluster_name: CLUSTER.to_owned(),
            clusters: vec![ClusterReplicationConfig { cluster_name: CLUSTER.to_owned(), ..Default::default() }],
            state: ReplicationState::Normal as i32,
        }),
        ..Default::default()
    }
}
