//! Endpoints: the names under which operations are called, and the queue or the URL behind each.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;
use temporalio_protos::temporal::api::{
    nexus::v1::{Endpoint, EndpointSpec, endpoint_target},
    operatorservice::v1::*,
};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::ids::{Ids, is_uuid};
use crate::base::time::{Time, timestamp};
use crate::config::callback_address::scheme;
use crate::namespace::Namespaces;
use crate::stored::map_order::Ordered;
use crate::stored::persistence::{DamagedRow, StoredRecord, Write};

/// The kind of the records of endpoints.
pub const KIND: &str = "nexus-endpoint";
const NAME_LENGTH_MAX: usize = 200;
/// All are in memory, and are looked through by name.
const ENDPOINTS_MAX: usize = 1000;
const URL_LENGTH_MAX: usize = 4096;
const DESCRIPTION_BYTES_MAX: usize = 20_000;
const PAGE_SIZE_DEFAULT: usize = 100;
const PAGE_SIZE_MAX: usize = 1000;

/// All of them, by id.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    all: BTreeMap<String, Endpoint>,
}

impl Endpoints {
    /// The endpoints among stored records, and those records that are no endpoints.
    pub(crate) fn restore(records: &[StoredRecord]) -> (Self, Vec<DamagedRow>) {
        let (mut endpoints, mut damaged) = (Self::default(), Vec::new());
        for record in records.iter().filter(|record| record.kind == KIND) {
            match Endpoint::decode(record.value.clone()) {
                Ok(endpoint) if endpoint.id == record.key => {
                    endpoints.all.insert(endpoint.id.clone(), endpoint);
                }
                Ok(_) => damaged.push(record.damaged("it is another endpoint's")),
                Err(error) => damaged.push(record.damaged(error)),
            }
        }
        (endpoints, damaged)
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&Endpoint> {
        self.all.values().find(|endpoint| name_of(endpoint) == name)
    }

    /// An endpoint by its id or, where it was deleted and made again since, by its name.
    pub(crate) fn find(&self, id: &str, name: &str) -> Option<&Endpoint> {
        self.all.get(id).or_else(|| self.by_name(name))
    }

    /// # Errors
    /// INVALID_ARGUMENT, ALREADY_EXISTS; FAILED_PRECONDITION where the target's namespace is missing.
    pub(crate) fn create(
        &mut self,
        request: CreateNexusEndpointRequest,
        namespaces: &Namespaces,
        ids: &mut Ids,
        now: Time,
    ) -> Result<(CreateNexusEndpointResponse, Write)> {
        let spec = request.spec.unwrap_or_default();
        check(&spec, namespaces)?;
        self.check_name_is_free(&spec.name, "")?;
        if self.all.len() >= ENDPOINTS_MAX {
            let message =
                format!("there are {ENDPOINTS_MAX} Nexus endpoints, and no more may be made: delete some first");
            return Err(Error::new(ErrorKind::ResourceExhausted, message));
        }
        let id = ids.uuid();
        let endpoint = Endpoint {
            version: 1,
            url_prefix: format!("/nexus/endpoints/{id}/services"),
            id,
            spec: Some(spec),
            created_time: timestamp(now),
            last_modified_time: None,
        };
        let write = self.put(endpoint.clone());
        Ok((CreateNexusEndpointResponse { endpoint: Some(endpoint) }, write))
    }

    /// # Errors
    /// As [`Self::create`]; NOT_FOUND; FAILED_PRECONDITION for another version than the present one.
    pub(crate) fn update(
        &mut self,
        request: UpdateNexusEndpointRequest,
        namespaces: &Namespaces,
        now: Time,
    ) -> Result<(UpdateNexusEndpointResponse, Write)> {
        let spec = request.spec.unwrap_or_default();
        check(&spec, namespaces)?;
        let old = self.get(&request.id)?;
        check_version(old, request.version)?;
        let endpoint = Endpoint {
            version: old.version + 1,
            last_modified_time: timestamp(now),
            spec: Some(spec.clone()),
            ..old.clone()
        };
        self.check_name_is_free(&spec.name, &request.id)?;
        let write = self.put(endpoint.clone());
        Ok((UpdateNexusEndpointResponse { endpoint: Some(endpoint) }, write))
    }

    /// Operations that are under way fail with their next attempt.
    ///
    /// # Errors
    /// INVALID_ARGUMENT, NOT_FOUND.
    pub(crate) fn delete(
        &mut self,
        request: &DeleteNexusEndpointRequest,
    ) -> Result<(DeleteNexusEndpointResponse, Write)> {
        let mut issues = id_issues(&request.id);
        if request.version <= 0 {
            issues.push("endpoint version is non-positive".to_owned());
        }
        refuse(&issues)?;
        if self.all.remove(&request.id).is_none() {
            return Err(Error::not_found(format!("error deleting nexus endpoint with ID: {}", request.id)));
        }
        let write = Write::DeleteRecord { kind: KIND.to_owned(), key: request.id.clone() };
        Ok((DeleteNexusEndpointResponse {}, write))
    }

    /// # Errors
    /// INVALID_ARGUMENT, NOT_FOUND.
    pub(crate) fn describe(&self, request: &GetNexusEndpointRequest) -> Result<GetNexusEndpointResponse> {
        refuse(&id_issues(&request.id))?;
        Ok(GetNexusEndpointResponse { endpoint: Some(self.get(&request.id)?.clone()) })
    }

    /// # Errors
    /// INVALID_ARGUMENT for a page size out of range or a token of another server.
    pub(crate) fn list(&self, request: &ListNexusEndpointsRequest) -> Result<ListNexusEndpointsResponse> {
        if !request.name.is_empty() {
            let endpoints = self.by_name(&request.name).cloned().into_iter().collect();
            return Ok(ListNexusEndpointsResponse { endpoints, ..Default::default() });
        }
        let size = match usize::try_from(request.page_size) {
            Err(_) => return Err(Error::invalid("page_size is negative")),
            Ok(0) => PAGE_SIZE_DEFAULT,
            Ok(size) if size > PAGE_SIZE_MAX => {
                return Err(Error::invalid(format!("page_size exceeds limit of {PAGE_SIZE_MAX}")));
            }
            Ok(size) => size,
        };
        let after = String::from_utf8(request.next_page_token.clone())
            .map_err(|_| Error::invalid("next_page_token is not one that this server gave out"))?;
        let endpoints: Vec<Endpoint> = self
            .all
            .range(after.clone()..)
            .filter(|(id, _)| **id != after)
            .take(size)
            .map(|(_, e)| e.clone())
            .collect();
        let last = endpoints.last().filter(|_| endpoints.len() == size).map(|endpoint| endpoint.id.clone());
        Ok(ListNexusEndpointsResponse { next_page_token: last.unwrap_or_default().into_bytes(), endpoints })
    }

    fn get(&self, id: &str) -> Result<&Endpoint> {
        self.all.get(id).ok_or_else(|| Error::not_found(format!("Nexus endpoint with ID `{id}` not found")))
    }

    fn put(&mut self, endpoint: Endpoint) -> Write {
        let (key, value) = (endpoint.id.clone(), Bytes::from(endpoint.encode_in_order()));
        self.all.insert(key.clone(), endpoint);
        Write::PutRecord { kind: KIND.to_owned(), key, value }
    }

    fn check_name_is_free(&self, name: &str, own: &str) -> Result<()> {
        match self.by_name(name) {
            Some(other) if other.id != own => Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("error creating Nexus endpoint. Endpoint with name {name} already registered"),
            )),
            _ => Ok(()),
        }
    }
}

fn name_of(endpoint: &Endpoint) -> &str {
    endpoint.spec.as_ref().map_or("", |spec| &spec.name)
}

fn check_version(endpoint: &Endpoint, version: i64) -> Result<()> {
    if endpoint.version == version {
        return Ok(());
    }
    let expected = endpoint.version;
    Err(Error::failed_precondition(format!("nexus endpoint version mismatch. received: {version} expected {expected}")))
}

fn check(spec: &EndpointSpec, namespaces: &Namespaces) -> Result<()> {
    let mut issues = name_issues(&spec.name);
    let target = spec.target.as_ref().and_then(|target| target.variant.as_ref());
    match target {
        None => issues.push("empty target variant".to_owned()),
        Some(endpoint_target::Variant::External(external)) => issues.extend(url_issue(&external.url)),
        Some(endpoint_target::Variant::Worker(worker)) => {
            if worker.namespace.is_empty() {
                issues.push("target namespace not set".to_owned());
            } else if namespaces.get(&worker.namespace).is_err() {
                return Err(Error::failed_precondition(format!(
                    "could not verify namespace referenced by target exists: Namespace {} is not found.",
                    worker.namespace
                )));
            }
            if worker.task_queue.is_empty() {
                issues.push("invalid target task queue: \"taskQueue is not set\"".to_owned());
            }
        }
    }
    if spec.description.as_ref().map_or(0, Message::encoded_len) > DESCRIPTION_BYTES_MAX {
        issues.push(format!("description size exceeds limit of {DESCRIPTION_BYTES_MAX}"));
    }
    refuse(&issues)
}

fn url_issue(url: &str) -> Option<String> {
    if url.is_empty() {
        return Some("empty target URL".to_owned());
    }
    if url.len() > URL_LENGTH_MAX {
        return Some(format!("target URL length exceeds limit of {URL_LENGTH_MAX}"));
    }
    match scheme(url).as_str() {
        "http" | "https" => None,
        other => Some(format!("invalid target URL scheme: {other:?}, expected http or https")),
    }
}

fn name_issues(name: &str) -> Vec<String> {
    if name.is_empty() {
        return vec!["endpoint name not set".to_owned()];
    }
    let mut issues = Vec::new();
    if name.len() > NAME_LENGTH_MAX {
        issues.push(format!("endpoint name exceeds length limit of {NAME_LENGTH_MAX}"));
    }
    let bytes = name.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let (first, last) = (bytes[0].is_ascii_alphabetic(), bytes[bytes.len() - 1].is_ascii_alphanumeric());
    if bytes.len() < 2 || !first || !last || !bytes.iter().all(inner) {
        issues.push("endpoint name must match the regex: \"^[a-zA-Z][a-zA-Z0-9\\\\-]*[a-zA-Z0-9]$\"".to_owned());
    }
    issues
}

fn id_issues(id: &str) -> Vec<String> {
    match id {
        "" => vec!["endpoint ID not set".to_owned()],
        id if !is_uuid(id) => vec![format!("malformed endpoint ID: \"invalid UUID length: {}\"", id.len())],
        _ => Vec::new(),
    }
}

fn refuse(issues: &[String]) -> Result<()> {
    if issues.is_empty() { Ok(()) } else { Err(Error::invalid(issues.join(", "))) }
}
