//! What the names in a filter mean.

use ostro_engine::error::Result;
use ostro_engine::execution::standalone::nexus_operation::{
    ENDPOINT_ATTRIBUTE, REQUEST_ID_ATTRIBUTE, SERVICE_ATTRIBUTE,
};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType::{
    self, Bool, Datetime, Int, Keyword, KeywordList, Text,
};

use super::SearchAttributeTypes;
use super::ast::Name;
use super::errors::unknown_attribute;
use crate::row::{DIVISION, json_key};

/// Where the value of an attribute is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A column of `exec`; never NULL if the flag is set.
    Column(&'static str, NotNull),
    Status,
    CloseTime,
    /// From the time of the first workflow task to the end.
    Duration,
    Division,
    /// A key of `exec.search_values`.
    Json,
}

pub(crate) type NotNull = bool;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// As written in the filter.
    pub alias: String,
    pub source: Source,
    pub kind: IndexedValueType,
    /// SQL of its value.
    pub expression: String,
    pub position: usize,
}

/// The attributes that every run has.
const SYSTEM: [(&str, IndexedValueType, Source); 17] = [
    ("WorkflowId", Keyword, Source::Column("workflow_id", true)),
    ("RunId", Keyword, Source::Column("run_id", true)),
    ("WorkflowType", Keyword, Source::Column("workflow_type", true)),
    ("ExecutionStatus", Keyword, Source::Status),
    ("StartTime", Datetime, Source::Column("start_time", true)),
    ("ExecutionTime", Datetime, Source::Column("execution_time", true)),
    ("CloseTime", Datetime, Source::CloseTime),
    ("ExecutionDuration", Int, Source::Duration),
    ("HistoryLength", Int, Source::Column("history_length", false)),
    ("HistorySizeBytes", Int, Source::Column("history_size_bytes", false)),
    ("StateTransitionCount", Int, Source::Column("state_transition_count", false)),
    ("TaskQueue", Keyword, Source::Column("task_queue", true)),
    ("ParentWorkflowId", Keyword, Source::Column("parent_workflow_id", false)),
    ("ParentRunId", Keyword, Source::Column("parent_run_id", false)),
    ("RootWorkflowId", Keyword, Source::Column("root_workflow_id", false)),
    ("RootRunId", Keyword, Source::Column("root_run_id", false)),
    (DIVISION, Keyword, Source::Division),
];

/// What activities without a workflow are looked for by; a registered attribute of the same name goes before. Their ids
/// stand behind the ten characters that keep them apart from those of workflows.
const OF_ACTIVITIES: [(&str, IndexedValueType, Source); 2] = [
    ("ActivityId", Keyword, Source::Column("substr(workflow_id, 11)", true)),
    ("ActivityType", Keyword, Source::Column("workflow_type", true)),
];

/// The same for Nexus operations without a workflow, whose ids stand behind as many characters.
const OF_OPERATIONS: [(&str, IndexedValueType, Source); 2] = [
    ("OperationId", Keyword, Source::Column("substr(workflow_id, 11)", true)),
    ("Operation", Keyword, Source::Column("workflow_type", true)),
];
/// What is kept of them under a longer name.
const OF_OPERATIONS_KEPT: [(&str, &str); 3] =
    [("Endpoint", ENDPOINT_ATTRIBUTE), ("Service", SERVICE_ATTRIBUTE), ("RequestId", REQUEST_ID_ATTRIBUTE)];

/// Attributes that are there without being registered, set by the server or an SDK on some runs.
const PREDEFINED: [(&str, IndexedValueType); 16] = [
    ("BatcherNamespace", Keyword),
    ("BatcherUser", Keyword),
    ("BinaryChecksums", KeywordList),
    ("BuildIds", KeywordList),
    ("TemporalChangeVersion", KeywordList),
    ("TemporalExternalPayloadCount", Int),
    ("TemporalExternalPayloadSizeBytes", Int),
    ("TemporalPauseInfo", KeywordList),
    ("TemporalReportedProblems", KeywordList),
    ("TemporalSchedulePaused", Bool),
    ("TemporalScheduledById", Keyword),
    ("TemporalScheduledStartTime", Datetime),
    ("TemporalUsedWorkerDeploymentVersions", KeywordList),
    ("TemporalWorkerDeployment", Keyword),
    ("TemporalWorkerDeploymentVersion", Keyword),
    ("TemporalWorkflowVersioningBehavior", Keyword),
];

/// Names and types of the attributes that need no registration, as `ListSearchAttributes` reports them.
pub fn system_search_attributes() -> impl Iterator<Item = (&'static str, IndexedValueType)> {
    SYSTEM.into_iter().map(|(name, kind, _)| (name, kind)).chain(PREDEFINED)
}

/// Finds the attribute that a name in a filter means. The prefix `Temporal` may be left out; a schedule's id is the id of
/// its workflow.
pub(crate) fn resolve(types: &SearchAttributeTypes, name: &Name) -> Result<Attribute> {
    candidates(&name.text)
        .iter()
        .find_map(|candidate| find(types, candidate))
        .map(|(source, kind, expression)| Attribute {
            alias: name.text.clone(),
            source,
            kind,
            expression,
            position: name.position,
        })
        .ok_or_else(|| unknown_attribute(name.position, &name.text, closest(types, &name.text)))
}

/// The name under which the attribute's value is kept.
pub(crate) fn canonical_name(types: &SearchAttributeTypes, name: &str) -> Option<String> {
    candidates(name).into_iter().find(|candidate| find(types, candidate).is_some())
}

fn candidates(name: &str) -> Vec<String> {
    match name {
        "TemporalBuildIds" => vec!["BuildIds".to_owned()],
        "TemporalScheduleId" => vec!["WorkflowId".to_owned()],
        "ScheduleId" => vec!["ScheduleId".to_owned(), "WorkflowId".to_owned()],
        text => vec![text.to_owned(), format!("Temporal{text}")],
    }
}

fn find(types: &SearchAttributeTypes, name: &str) -> Option<(Source, IndexedValueType, String)> {
    if let Some((_, kind, source)) = SYSTEM.into_iter().find(|(system, ..)| *system == name) {
        let expression = column(&source).to_owned();
        return Some((source, kind, expression));
    }
    let predefined = || PREDEFINED.iter().find(|(predefined, _)| *predefined == name).map(|(_, kind)| *kind);
    if let Some(kind) = types.get(name).copied().or_else(predefined) {
        return Some((Source::Json, kind, json_expression(name)));
    }
    if let Some((_, kept)) = OF_OPERATIONS_KEPT.iter().find(|(own, _)| *own == name) {
        return Some((Source::Json, Keyword, json_expression(kept)));
    }
    let (_, kind, source) = OF_ACTIVITIES.into_iter().chain(OF_OPERATIONS).find(|(own, ..)| *own == name)?;
    let expression = column(&source).to_owned();
    Some((source, kind, expression))
}

fn column(source: &Source) -> &'static str {
    match source {
        Source::Column(column, _) => column,
        Source::Status => "status",
        Source::CloseTime => "close_time",
        Source::Duration => "(close_time - execution_time)",
        Source::Division => "division",
        Source::Json => "search_values",
    }
}

/// What stands around the path of an attribute.
const JSON_BEFORE: &str = "json_extract(search_values, '";
const JSON_AFTER: &str = "')";

fn json_expression(name: &str) -> String {
    format!("{JSON_BEFORE}{}{JSON_AFTER}", json_path(name))
}

/// The path of an attribute in `search_values`, ready to stand in quotes in SQL.
fn json_path(name: &str) -> String {
    format!("$.\"{}\"", json_key(name).replace('\'', "''"))
}

impl Attribute {
    /// SQL of a table with one row per value of a KeywordList, in `json_each.value`.
    pub(crate) fn list_table(&self) -> String {
        let path = self.expression.trim_start_matches("json_extract");
        format!("json_each{path}")
    }
}

/// An index that makes filters and order on an attribute fast.
pub(crate) struct SearchIndex {
    pub name: String,
    pub expression: String,
    pub rows_per_value: u32,
}

impl SearchIndex {
    /// The statement that makes it.
    pub(crate) fn sql(&self) -> String {
        index_sql(&self.name, &self.expression)
    }
}

fn index_sql(name: &str, expression: &str) -> String {
    format!(
        "CREATE INDEX \"{name}\" ON exec (namespace, {expression}) WHERE division IS NULL AND {expression} IS NOT NULL"
    )
}

/// Whether an index with this name and text is one of a search attribute.
pub(crate) fn is_search_index(name: &str, sql: &str) -> bool {
    let expression =
        sql.split_once("(namespace, ").and_then(|(_, rest)| rest.split_once(") WHERE division IS NULL AND "));
    let Some((expression, _)) = expression else { return false };
    // Of the one function there is: it reads a value of the row's own, and nothing else can be in its quotes.
    let path = expression.strip_prefix(JSON_BEFORE).and_then(|rest| rest.strip_suffix(JSON_AFTER));
    let plain = path.is_some_and(|path| !path.replace("''", "").contains('\''));
    plain && name.starts_with("search_") && sql == index_sql(name, expression)
}

/// The index for an attribute; nothing where an index would not help.
pub(crate) fn search_index(name: &str, kind: IndexedValueType) -> Option<SearchIndex> {
    let rows_per_value = match kind {
        Text | KeywordList | IndexedValueType::Unspecified => return None,
        Bool => 500_000,
        Keyword | Int | IndexedValueType::Double | Datetime => 100,
    };
    // SQLite's names of indexes do not distinguish case, those of attributes do.
    let marked = |c: char| match c {
        '^' => "^^".to_owned(),
        c if c.is_ascii_uppercase() => format!("^{}", c.to_ascii_lowercase()),
        c => c.to_string(),
    };
    let index: String = json_key(name).chars().map(marked).collect();
    Some(SearchIndex { name: format!("search_{index}"), expression: json_expression(name), rows_per_value })
}

/// A known name that differs in case only.
fn closest<'a>(types: &'a SearchAttributeTypes, name: &str) -> Option<&'a str> {
    let known = system_search_attributes().map(|(known, _)| known).chain(types.keys().map(String::as_str));
    known.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}
