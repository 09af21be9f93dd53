//! What a server makes sure of before it serves: its data directory, its name, its namespaces and their search attributes.

use std::path::{Path, PathBuf};

use ostro_engine::error::{Error as EngineError, ErrorKind};
use ostro_engine::ids::is_uuid;
use ostro_engine::time::duration;
use ostro_store::Writer;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_protos::temporal::api::operatorservice::v1::{AddSearchAttributesRequest, ListSearchAttributesRequest};
use temporalio_protos::temporal::api::workflowservice::v1::{ListNamespacesRequest, RegisterNamespaceRequest};

use crate::config::{Config, NamespaceConfig};
use crate::server::Error;
use crate::shell::EngineHandle;

/// The store's file within the data directory.
const STORE_FILE: &str = "ostro.db";
/// The file with the name of this data.
const ID_FILE: &str = "cluster-id";
/// Namespaces whose attributes are indexed at start.
const NAMESPACES_MAX: i32 = 10_000;

/// Makes the data directory and says where the store is.
pub(crate) fn store_path(data: &Path) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(data).map_err(|source| Error::Data { path: data.to_owned(), source })?;
    Ok(data.join(STORE_FILE))
}

/// The UUID by which this data is told from any other: made once, kept in a file.
pub(crate) fn cluster_id(data: &Path) -> Result<String, Error> {
    let path = data.join(ID_FILE);
    if let Ok(id) = std::fs::read_to_string(&path)
        && is_uuid(id.trim())
    {
        return Ok(id.trim().to_owned());
    }
    let id = uuid::Uuid::new_v4().to_string();
    std::fs::write(&path, &id).map_err(|source| Error::Data { path, source })?;
    Ok(id)
}

/// Registers what the configuration names and is not there.
pub(crate) async fn namespaces(engine: &EngineHandle, config: &Config) -> Result<(), EngineError> {
    for namespace in &config.namespaces {
        unless_exists(engine.call(register(namespace)).await)?;
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
