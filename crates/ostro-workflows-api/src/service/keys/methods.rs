//! What a caller must be for each method of the gRPC interface.

use ostro_wire::{health_service, workflow_service};

use crate::model::access::Role;

/// What a method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: probes of health carry no key.
    Nothing,
    /// Any key: what a client asks before it knows anything.
    Key,
    /// This role in the namespaces that the request is about.
    Role(Role),
}

/// What `method` of `service` needs. What is not listed changes executions, or is unknown: it needs an operator.
pub(crate) fn needs(service: &str, method: &str) -> Needs {
    match service {
        health_service::SERVICE => Needs::Nothing,
        workflow_service::SERVICE => workflow(method),
        // The operator service manages namespaces and clusters, the test service the clock.
        _ if is_read(method) => Needs::Role(Role::Reader),
        _ => Needs::Role(Role::Admin),
    }
}

fn workflow(method: &str) -> Needs {
    match method {
        "GetSystemInfo" | "GetClusterInfo" => Needs::Key,
        "RegisterNamespace" | "UpdateNamespace" | "DeprecateNamespace" => Needs::Role(Role::Admin),
        "PollWorkflowTaskQueue" | "PollActivityTaskQueue" | "PollNexusTaskQueue" => Needs::Role(Role::Worker),
        "ResetStickyTaskQueue" | "ShutdownWorker" | "FetchWorkerConfig" => Needs::Role(Role::Worker),
        // A worker makes its own version known, and current.
        "UpdateWorkerBuildIdCompatibility"
        | "CreateWorkerDeployment"
        | "CreateWorkerDeploymentVersion"
        | "SetWorkerDeploymentCurrentVersion"
        | "SetWorkerDeploymentRampingVersion"
        | "UpdateWorkerDeploymentVersionMetadata" => Needs::Role(Role::Worker),
        _ if method.starts_with("Respond") || method.starts_with("Record") => Needs::Role(Role::Worker),
        _ if is_read(method) => Needs::Role(Role::Reader),
        _ => Needs::Role(Role::Operator),
    }
}

/// Whether a method changes nothing.
fn is_read(method: &str) -> bool {
    const READS: [&str; 7] = ["Describe", "Get", "List", "Count", "Scan", "Query", "Validate"];
    // Waits for what goes on anyway; the polls of workers are dealt with before.
    READS.iter().any(|verb| method.starts_with(verb)) || method.starts_with("Poll")
}

#[cfg(test)]
mod tests {
    use ostro_wire::operator_service;

    use super::*;

    #[test]
    fn each_method_needs_no_more_and_no_less() {
        for (method, needed) in [
            ("DescribeWorkflowExecution", Role::Reader),
            ("QueryWorkflow", Role::Reader),
            ("PollWorkflowExecutionUpdate", Role::Reader),
            ("PollActivityTaskQueue", Role::Worker),
            ("RespondWorkflowTaskCompleted", Role::Worker),
            ("RecordActivityTaskHeartbeat", Role::Worker),
            ("SetWorkerDeploymentCurrentVersion", Role::Worker),
            ("StartWorkflowExecution", Role::Operator),
            ("DeleteWorkflowExecution", Role::Operator),
            ("NobodyKnows", Role::Operator),
            ("RegisterNamespace", Role::Admin),
        ] {
            assert_eq!(needs(workflow_service::SERVICE, method), Needs::Role(needed), "{method}");
        }
        assert_eq!(needs(operator_service::SERVICE, "ListSearchAttributes"), Needs::Role(Role::Reader));
        assert_eq!(needs(operator_service::SERVICE, "DeleteNamespace"), Needs::Role(Role::Admin));
        assert_eq!(needs(ostro_wire::test_service::SERVICE, "UnlockTimeSkipping"), Needs::Role(Role::Admin));
        assert_eq!(needs(workflow_service::SERVICE, "GetSystemInfo"), Needs::Key);
        assert_eq!(needs(health_service::SERVICE, "Check"), Needs::Nothing);
    }
}
