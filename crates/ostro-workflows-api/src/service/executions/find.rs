//! Lists of runs.

use std::collections::HashSet;

use temporalio_protos::temporal::api::workflowservice::v1::ListWorkflowExecutionsRequest;

use crate::model::error::{Code, Error, Result};
use crate::model::execution::StatusName;
use crate::model::record::Kind;
use crate::model::registration::Workflow;
use crate::service::api::Api;

pub(crate) const PAGE_MAX: u32 = 1000;

/// Executions that search keys, a user or tags may select.
pub(crate) const SELECTED_MAX: usize = 1000;

pub(crate) async fn tagged(api: &Api, namespace: &str, tags: &[String]) -> Result<Option<String>> {
    let workflows: Vec<Workflow> = api.store.all(Kind::Workflow, namespace, None).await?;
    let names: Vec<String> = workflows
        .into_iter()
        .filter(|workflow| tags.iter().all(|tag| workflow.tags.contains(tag)))
        .map(|workflow| quoted(&workflow.name))
        .collect();
    Ok((!names.is_empty()).then(|| format!("WorkflowType IN ({})", names.join(", "))))
}

/// A string of the engine's filter language.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The names of workflows with a run in one of these states, among the latest thousand.
pub(crate) async fn workflows_with_status(
    api: &Api,
    namespace: &str,
    statuses: &[StatusName],
) -> Result<HashSet<String>> {
    let conditions: Vec<&str> = statuses.iter().map(|status| status.condition()).collect();
    let request = ListWorkflowExecutionsRequest {
        namespace: namespace.to_owned(),
        page_size: i32::try_from(PAGE_MAX).unwrap_or(i32::MAX),
        query: conditions.join(" OR "),
        ..Default::default()
    };
    let page = api
        .engine
        .ask(&request)
        .await
        .map_err(|status| Error::of_engine(&status, "the list of runs", Code::ExecutionNotFound))?;
    Ok(page.executions.into_iter().filter_map(|info| info.r#type).map(|kind| kind.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_send_stays_a_string_in_the_filter() {
        assert_eq!(quoted("a' OR 'b' = 'b"), "'a\\' OR \\'b\\' = \\'b'");
        assert_eq!(quoted("back\\"), "'back\\\\'");
    }
}
