//! What a worker registers.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::model::moment as clock;
use crate::model::registration::DeploymentLocation;
use crate::model::schedule::ScheduleDefinition;

/// The execution timeout of a workflow that names none, in seconds.
fn hour() -> Option<f64> {
    Some(3600.0)
}

/// What a worker process serves.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct WorkflowSpecsRegisterRequest {
    /// The workflows, at least one.
    pub definitions: Vec<WorkflowSpecWithTaskQueue>,
    /// The deployment that the worker belongs to.
    pub deployment_name: String,
    /// The process, such as its host's name.
    pub worker_name: String,
    #[serde(default)]
    pub deployment_location: Option<DeploymentLocation>,
}

/// A workflow and the queue on which it is served.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct WorkflowSpecWithTaskQueue {
    /// Letters, digits, `_` and `-`, at most 128.
    pub name: String,
    pub task_queue: String,
    #[serde(flatten)]
    pub definition: WorkflowCodeDefinition,
    #[serde(default)]
    pub display_name: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    /// Whether the SDK made it, not a person.
    #[serde(default)]
    pub is_technical: bool,
    /// Schedules that go with the workflow.
    #[serde(default)]
    pub schedules: Option<Vec<ScheduleDefinition>>,
}

/// What a workflow takes and gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct WorkflowCodeDefinition {
    /// A JSON schema.
    #[schema(value_type = Object)]
    pub input_schema: Map<String, Value>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub output_schema: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub signals: Vec<SignalDefinition>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub queries: Vec<QueryDefinition>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub updates: Vec<UpdateDefinition>,
    #[serde(default)]
    pub enforce_determinism: bool,
    #[serde(default)]
    pub on_behalf_of: bool,
    /// Limit of an execution in seconds; a worker may also write it as an ISO 8601 duration.
    #[serde(default = "hour", deserialize_with = "seconds")]
    pub execution_timeout: Option<f64>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub plugin_metadata: Option<Map<String, Value>>,
}

macro_rules! handlers {
    ($($(#[$documentation:meta])* $name:ident { $($(#[$of_field:meta])* $field:ident: $kind:ty),* })*) => {$(
        $(#[$documentation])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
        pub(crate) struct $name {
            pub name: String,
            /// A JSON schema.
            #[schema(value_type = Object)]
            pub input_schema: Map<String, Value>,
            #[serde(default)]
            pub description: Option<String>,
            $($(#[$of_field])* #[serde(default)] pub $field: $kind,)*
        }
    )*};
}

handlers! {
    /// A signal that a workflow handles.
    SignalDefinition {}
    /// A query that a workflow answers.
    QueryDefinition {
        /// A JSON schema.
        #[schema(value_type = Option<Object>)]
        output_schema: Option<Map<String, Value>>
    }
    /// An update that a workflow handles.
    UpdateDefinition {
        /// A JSON schema.
        #[schema(value_type = Option<Object>)]
        output_schema: Option<Map<String, Value>>
    }
}

impl WorkflowCodeDefinition {
    /// The schema of a handler's input, among signals, queries or updates.
    pub(crate) fn handler(&self, kind: Handler, name: &str) -> Option<Value> {
        let schema = match kind {
            Handler::Signal => self.signals.iter().find(|each| each.name == name).map(|each| &each.input_schema),
            Handler::Query => self.queries.iter().find(|each| each.name == name).map(|each| &each.input_schema),
            Handler::Update => self.updates.iter().find(|each| each.name == name).map(|each| &each.input_schema),
        };
        schema.map(|schema| Value::Object(schema.clone()))
    }

    /// The names of its handlers of a kind.
    pub(crate) fn handler_names(&self, kind: Handler) -> Vec<&str> {
        match kind {
            Handler::Signal => self.signals.iter().map(|each| each.name.as_str()).collect(),
            Handler::Query => self.queries.iter().map(|each| each.name.as_str()).collect(),
            Handler::Update => self.updates.iter().map(|each| each.name.as_str()).collect(),
        }
    }
}

/// The three ways to speak to an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handler {
    Signal,
    Query,
    Update,
}

impl Handler {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Query => "query",
            Self::Update => "update",
        }
    }
}

fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    use serde::de::Error;
    let seconds = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => clock::iso_seconds(&text),
        _ => None,
    };
    seconds
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0)
        .map(Some)
        .ok_or_else(|| D::Error::custom("give a positive number of seconds, or an ISO 8601 duration such as PT1H"))
}
