//! `ostro search-attribute`.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_protos::temporal::api::operatorservice::v1::{
    AddSearchAttributesRequest, ListSearchAttributesRequest, RemoveSearchAttributesRequest,
};

use crate::arguments::{AttributeType, SearchAttributeCommand};
use crate::failure::Failure;
use crate::session::Session;
use crate::table::Table;

/// Runs one of the commands.
pub async fn run(session: &Session, command: SearchAttributeCommand) -> Result<(), Failure> {
    match command {
        SearchAttributeCommand::List => list(session).await,
        SearchAttributeCommand::Create { attributes } => create(session, &attributes).await,
        SearchAttributeCommand::Remove { names } => remove(session, names).await,
    }
}

async fn list(session: &Session) -> Result<(), Failure> {
    let request = ListSearchAttributesRequest { namespace: session.namespace.clone() };
    let answer = session.ask(&request).await?;
    let (custom, system) = (typed(&answer.custom_attributes), typed(&answer.system_attributes));
    session.format.print(|| json!({ "custom": custom, "system": system }), || list_text(&custom, &system));
    Ok(())
}

/// Names with the names of their types, sorted.
fn typed(attributes: &HashMap<String, i32>) -> BTreeMap<&str, String> {
    attributes.iter().map(|(name, kind)| (name.as_str(), type_name(*kind))).collect()
}

fn type_name(kind: i32) -> String {
    IndexedValueType::try_from(kind).map_or_else(|_| kind.to_string(), |kind| format!("{kind:?}"))
}

fn list_text(custom: &BTreeMap<&str, String>, system: &BTreeMap<&str, String>) -> String {
    let mut table = Table::new(&["NAME", "TYPE", "ORIGIN"]);
    for (origin, attributes) in [("custom", custom), ("system", system)] {
        for (name, kind) in attributes {
            table.row(vec![(*name).to_owned(), kind.clone(), origin.to_owned()]);
        }
    }
    table.render()
}

async fn create(session: &Session, attributes: &[(String, AttributeType)]) -> Result<(), Failure> {
    let typed = attributes.iter().map(|(name, kind)| (name.clone(), IndexedValueType::from(*kind).into()));
    let request =
        AddSearchAttributesRequest { search_attributes: typed.collect(), namespace: session.namespace.clone() };
    session.ask(&request).await?;
    let names: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
    session.format.print(|| json!({ "created": names }), || format!("Added {}", names.join(", ")));
    Ok(())
}

async fn remove(session: &Session, names: Vec<String>) -> Result<(), Failure> {
    let request =
        RemoveSearchAttributesRequest { search_attributes: names.clone(), namespace: session.namespace.clone() };
    session.ask(&request).await?;
    session.format.print(|| json!({ "removed": names }), || format!("Removed {}", names.join(", ")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_attributes_come_first() {
        let custom = HashMap::from([("Customer".to_owned(), 2)]);
        let system = HashMap::from([("StartTime".to_owned(), 6), ("CloseTime".to_owned(), 6)]);
        let text = list_text(&typed(&custom), &typed(&system));
        let expected = "\
NAME       TYPE      ORIGIN
Customer   Keyword   custom
CloseTime  Datetime  system
StartTime  Datetime  system
";
        assert_eq!(text, expected);
    }
}
