//! Requests about namespaces and search attributes. What depends on the namespaces there are, the engine says.

use ostro_engine::config::Config;
use ostro_engine::error::Result;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_protos::temporal::api::operatorservice::v1 as operator;
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use super::Check;
use super::common::{duration_fault, invalid, length, present};

const NOT_SET: &str = "Namespace not set on request.";
/// The words of the operator's service.
const IS_NOT_SET: &str = "Namespace is not set on request.";

impl Check for service::RegisterNamespaceRequest {
    fn check(&mut self, limits: &Config) -> Result<()> {
        present(&self.namespace, NOT_SET)?;
        length(&self.namespace, "Namespace", limits)?;
        if self.is_global_namespace {
            return invalid("Cannot register global namespace when not enabled");
        }
        if let Some(cluster) = self.clusters.iter().find(|cluster| cluster.cluster_name != "active") {
            return invalid(format!("Invalid cluster name: {}", cluster.cluster_name));
        }
        retention(&self.workflow_execution_retention_period)
    }
}

/// A retention must be there and not negative; how short it may be, the engine knows.
fn retention(span: &Option<prost_wkt_types::Duration>) -> Result<()> {
    if span.is_none() || duration_fault(span).is_some() {
        return invalid("A valid retention period is not set on request.");
    }
    Ok(())
}

impl Check for service::DescribeNamespaceRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        match (self.namespace.is_empty(), self.id.is_empty()) {
            (true, true) => invalid(NOT_SET),
            (false, false) => invalid("GetNamespace operation failed.  Both ID and Name specified in request."),
            _ => Ok(()),
        }
    }
}

impl Check for service::ListNamespacesRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        Ok(())
    }
}

impl Check for service::UpdateNamespaceRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        present(&self.namespace, NOT_SET)
    }
}

impl Check for service::DeprecateNamespaceRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        present(&self.namespace, NOT_SET)
    }
}

impl Check for operator::DeleteNamespaceRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        match (self.namespace.is_empty(), self.namespace_id.is_empty()) {
            (true, true) => invalid(NOT_SET),
            (false, false) => invalid("Only one of namespace name or Id should be set on request."),
            _ => Ok(()),
        }
    }
}

impl Check for operator::AddSearchAttributesRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        if self.search_attributes.is_empty() {
            return invalid("SearchAttributes are not set on request.");
        }
        present(&self.namespace, IS_NOT_SET)?;
        let unknown = self.search_attributes.values().find(|kind| IndexedValueType::try_from(**kind).is_err());
        if let Some(kind) = unknown {
            return invalid(format!("Unknown search attribute type: {kind}."));
        }
        if let Some((name, _)) = self.search_attributes.iter().find(|(_, kind)| **kind == 0) {
            return invalid(format!(
                "Unable to create search attributes: cannot have more than 0 search attribute of type Unspecified. Give \
                 {name} a type."
            ));
        }
        Ok(())
    }
}

impl Check for operator::RemoveSearchAttributesRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        if self.search_attributes.is_empty() {
            return invalid("SearchAttributes are not set on request.");
        }
        present(&self.namespace, IS_NOT_SET)
    }
}

impl Check for operator::ListSearchAttributesRequest {
    fn check(&mut self, _limits: &Config) -> Result<()> {
        present(&self.namespace, IS_NOT_SET)
    }
}
