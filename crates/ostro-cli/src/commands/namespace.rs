//! `ostro namespace`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use ostro_wire::json::to_json;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::enums::v1::NamespaceState;
use temporalio_protos::temporal::api::namespace::v1::{NamespaceConfig, UpdateNamespaceInfo};
use temporalio_protos::temporal::api::operatorservice::v1::DeleteNamespaceRequest;
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, DescribeNamespaceResponse, ListNamespacesRequest, RegisterNamespaceRequest,
    UpdateNamespaceRequest,
};

use crate::arguments::{NamespaceCommand, NamespaceSettings};
use crate::duration;
use crate::failure::Failure;
use crate::session::Session;
use crate::table::{Table, properties};

/// Namespaces asked for at once.
const PAGE_SIZE: i32 = 200;
/// How long a new namespace keeps closed executions.
const RETENTION_DEFAULT: Duration = Duration::from_secs(3 * 24 * 3600);

/// Runs one of the commands.
pub async fn run(session: &Session, command: NamespaceCommand) -> Result<(), Failure> {
    match command {
        NamespaceCommand::List => list(session).await,
        NamespaceCommand::Describe { name } => {
            describe(session, name.unwrap_or_else(|| session.namespace.clone())).await
        }
        NamespaceCommand::Create { name, settings } => create(session, name, settings).await,
        NamespaceCommand::Update { name, settings } => update(session, name, settings).await,
        NamespaceCommand::Delete { name, yes } => delete(session, name, yes).await,
    }
}

async fn list(session: &Session) -> Result<(), Failure> {
    let mut namespaces = Vec::new();
    let mut request = ListNamespacesRequest { page_size: PAGE_SIZE, ..Default::default() };
    loop {
        let page = session.ask(&request).await?;
        namespaces.extend(page.namespaces);
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    session.format.print(|| namespaces.iter().map(to_json).collect(), || list_text(&namespaces));
    Ok(())
}

fn list_text(namespaces: &[DescribeNamespaceResponse]) -> String {
    let mut table = Table::new(&["NAME", "STATE", "RETENTION", "DESCRIPTION"]);
    for namespace in namespaces {
        let info = namespace.namespace_info.clone().unwrap_or_default();
        table.row(vec![info.name, state_name(info.state), retention(namespace), info.description]);
    }
    table.render()
}

async fn describe(session: &Session, name: String) -> Result<(), Failure> {
    let request = DescribeNamespaceRequest { namespace: name, ..Default::default() };
    let namespace = session.ask(&request).await?;
    session.format.print(|| to_json(&namespace), || describe_text(&namespace));
    Ok(())
}

fn describe_text(namespace: &DescribeNamespaceResponse) -> String {
    let info = namespace.namespace_info.clone().unwrap_or_default();
    let limits = info.limits.as_ref();
    let bytes = |limit: Option<i64>| limit.filter(|limit| *limit > 0).map(|limit| format!("{limit} bytes"));
    properties(&[
        ("Name", info.name),
        ("Id", info.id),
        ("State", state_name(info.state)),
        ("Description", info.description),
        ("Owner", info.owner_email),
        ("Retention", retention(namespace)),
        ("Payload limit", bytes(limits.map(|limits| limits.blob_size_limit_error)).unwrap_or_default()),
        ("Memo limit", bytes(limits.map(|limits| limits.memo_size_limit_error)).unwrap_or_default()),
    ])
}

async fn create(session: &Session, name: String, settings: NamespaceSettings) -> Result<(), Failure> {
    let request = RegisterNamespaceRequest {
        namespace: name.clone(),
        description: settings.description.unwrap_or_default(),
        owner_email: settings.owner_email.unwrap_or_default(),
        workflow_execution_retention_period: Some(duration::to_proto(settings.retention.unwrap_or(RETENTION_DEFAULT))),
        ..Default::default()
    };
    session.ask(&request).await?;
    session.format.print(|| json!({ "created": name }), || format!("Created namespace {name}"));
    Ok(())
}

async fn update(session: &Session, name: String, settings: NamespaceSettings) -> Result<(), Failure> {
    let NamespaceSettings { description, retention, owner_email } = settings;
    if description.is_none() && retention.is_none() && owner_email.is_none() {
        return Err(Failure::new(
            "invalid_argument",
            "nothing to change: give --description, --retention or --owner-email",
        ));
    }
    let info = UpdateNamespaceInfo {
        description: description.unwrap_or_default(),
        owner_email: owner_email.unwrap_or_default(),
        ..Default::default()
    };
    let config = retention.map(|retention| NamespaceConfig {
        workflow_execution_retention_ttl: Some(duration::to_proto(retention)),
        ..Default::default()
    });
    let request =
        UpdateNamespaceRequest { namespace: name.clone(), update_info: Some(info), config, ..Default::default() };
    let updated = session.ask(&request).await?;
    session.format.print(|| to_json(&updated), || format!("Updated namespace {name}"));
    Ok(())
}

async fn delete(session: &Session, name: String, yes: bool) -> Result<(), Failure> {
    if !yes && !confirmed(&name) {
        return Err(Failure::new(
            "cancelled",
            format!("namespace \"{name}\" was not deleted: pass --yes to delete it"),
        ));
    }
    let request = DeleteNamespaceRequest { namespace: name.clone(), ..Default::default() };
    let answer = session.ask(&request).await?;
    let deleted: Value = json!({ "deleted": name, "deletedAs": answer.deleted_namespace });
    session
        .format
        .print(|| deleted, || format!("Deleted namespace {name}; its executions are removed in the background"));
    Ok(())
}

/// Asks on the terminal; no terminal is a no.
fn confirmed(name: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    eprint!("Delete namespace {name} and all its executions? Type its name: ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == name
}

fn retention(namespace: &DescribeNamespaceResponse) -> String {
    let ttl = namespace.config.as_ref().and_then(|config| config.workflow_execution_retention_ttl.as_ref());
    ttl.map(|ttl| duration::text(duration::from_proto(ttl))).unwrap_or_default()
}

fn state_name(state: i32) -> String {
    NamespaceState::try_from(state).map_or_else(|_| state.to_string(), |state| format!("{state:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_protos::temporal::api::namespace::v1::NamespaceInfo;

    #[test]
    fn a_list_and_a_description() {
        let info = NamespaceInfo { name: "shop".into(), id: "n1".into(), state: 1, ..Default::default() };
        let ttl = Some(duration::to_proto(Duration::from_secs(259_200)));
        let config = NamespaceConfig { workflow_execution_retention_ttl: ttl, ..Default::default() };
        let namespace =
            DescribeNamespaceResponse { namespace_info: Some(info), config: Some(config), ..Default::default() };
        assert_eq!(
            list_text(std::slice::from_ref(&namespace)),
            "NAME  STATE       RETENTION  DESCRIPTION\nshop  Registered  3d\n"
        );
        assert_eq!(describe_text(&namespace), "Name       shop\nId         n1\nState      Registered\nRetention  3d\n");
    }
}
