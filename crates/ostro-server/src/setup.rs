//! What a server makes sure of before it serves: its data directory, its name, its namespaces and their search attributes.

use std::path::{Path, PathBuf};

use ostro_disk::private;
use ostro_engine::error::{Error as EngineError, ErrorKind};
use ostro_engine::persistence::{Recovery, Write};
use ostro_engine::seal::{KEY_BYTES, Seals};
use ostro_engine::time::duration;
use ostro_store::{Batch, Writer};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_protos::temporal::api::operatorservice::v1::{AddSearchAttributesRequest, ListSearchAttributesRequest};
use temporalio_protos::temporal::api::workflowservice::v1::{ListNamespacesRequest, RegisterNamespaceRequest};

use crate::config::{Config, NamespaceConfig};
use crate::error::Error;
use crate::shell::EngineHandle;

/// The store's file within the data directory.
const STORE_FILE: &str = "ostro.db";
/// Kind and key of the record with the name of this data.
const CLUSTER_RECORD: &str = "cluster";
const CLUSTER_ID_KEY: &str = "id";
/// Kind and key of the record with the key of this data's tokens.
const TOKEN_KEY_RECORD: &str = "token key";
const TOKEN_KEY: &str = "1";
/// Namespaces whose attributes are indexed at start.
const NAMESPACES_MAX: i32 = 10_000;

/// Where the store is for `data`: the file itself where it is named `*.db`, else a file within the directory `data`.
pub fn store_path(data: &Path) -> PathBuf {
    if data.extension().is_some_and(|extension| extension == "db") && !data.is_dir() {
        data.to_owned()
    } else {
        data.join(STORE_FILE)
    }
}

/// The same, with the directories that are missing made.
pub(crate) fn make_store_path(data: &Path) -> Result<PathBuf, Error> {
    let store = store_path(data);
    if let Some(directory) = store.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        private::make_directory(directory).map_err(ostro_store::Error::from)?;
        if data.is_dir() {
            // Ours alone; a directory that a file of ours is named in may be anybody's.
            private::tighten_directory(directory);
        }
    }
    Ok(store)
}

/// The UUID by which this data is told from any other: made once, kept in the store.
pub(crate) fn cluster_id(recovery: &Recovery, writer: &Writer) -> String {
    if let Some(id) = recovery.records.iter().find(|record| record.kind == CLUSTER_RECORD) {
        return String::from_utf8_lossy(&id.value).into_owned();
    }
    let id = uuid::Uuid::new_v4().to_string();
    let value = id.clone().into_bytes().into();
    let write = Write::PutRecord { kind: CLUSTER_RECORD.into(), key: CLUSTER_ID_KEY.into(), value };
    // Nobody waits for it: whatever is acknowledged to a client is written after it.
    writer.submit(Batch { writes: vec![write], done: Box::new(|| {}) });
    id
}

/// The seals of this data's tokens. Their key is made once and kept in the store: a worker's token outlives a restart.
pub(crate) fn seals(recovery: &Recovery, writer: &Writer) -> Result<Seals, Error> {
    if let Some(kept) = recovery.records.iter().find(|record| record.kind == TOKEN_KEY_RECORD) {
        match kept.value.as_ref().try_into() {
            Ok(key) => return Ok(Seals::new(key)),
            Err(_) => {
                tracing::error!("the key of tokens is damaged: with a new one, tasks under way are handed out again")
            }
        }
    }
    let key: [u8; KEY_BYTES] = entropy()?;
    let value = key.to_vec().into();
    let write = Write::PutRecord { kind: TOKEN_KEY_RECORD.into(), key: TOKEN_KEY.into(), value };
    // Nobody waits for it: no token leaves before it is written.
    writer.submit(Batch { writes: vec![write], done: Box::new(|| {}) });
    Ok(Seals::new(&key))
}

/// Random bytes of the system.
pub(crate) fn entropy() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(Error::Entropy)?;
    Ok(bytes)
}

/// Registers what the configuration names and is not there.
pub(crate) async fn namespaces(engine: &EngineHandle, config: &Config) -> Result<(), EngineError> {
    for namespace in &config.namespaces {
        if let Err(error) = unless_exists(engine.call(register(namespace)).await) {
            if error.kind != ErrorKind::DataLoss {
                return Err(error);
            }
            tracing::error!(%error, "namespace {:?} is not made", namespace.name);
            continue;
        }
        for (name, kind) in &config.search_attributes {
            add_attribute(engine, &namespace.name, name, *kind).await?;
        }
    }
    Ok(())
}

fn register(namespace: &NamespaceConfig) -> RegisterNamespaceRequest {
    RegisterNamespaceRequest {
        namespace: namespace.name.clone(),
        workflow_execution_retention_period: duration(namespace.retention),
        ..Default::default()
    }
}

async fn add_attribute(
    engine: &EngineHandle,
    namespace: &str,
    name: &str,
    kind: IndexedValueType,
) -> Result<(), EngineError> {
    let search_attributes = [(name.to_owned(), kind as i32)].into();
    let request = AddSearchAttributesRequest { namespace: namespace.to_owned(), search_attributes };
    unless_exists(engine.call(request).await)
}

fn unless_exists<T>(answer: Result<T, EngineError>) -> Result<(), EngineError> {
    match answer {
        Err(error) if error.kind != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes filters on the search attributes that there are fast.
pub(crate) async fn indexes(engine: &EngineHandle, writer: &Writer) -> Result<(), EngineError> {
    let list = ListNamespacesRequest { page_size: NAMESPACES_MAX, ..Default::default() };
    for described in engine.call(list).await?.namespaces {
        let namespace = described.namespace_info.unwrap_or_default().name;
        let attributes = engine.call(ListSearchAttributesRequest { namespace }).await?;
        for (name, kind) in attributes.custom_attributes {
            if let Ok(kind) = IndexedValueType::try_from(kind) {
                writer.ensure_search_attribute(&name, kind);
            }
        }
    }
    Ok(())
}
