//! The names that every namespace has, with their types, as the reference server lists them.

use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

/// The type of a search attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Text,
    Keyword,
    Int,
    Double,
    Bool,
    Datetime,
    KeywordList,
}

const TYPES: [(Type, &str, IndexedValueType); 7] = [
    (Type::Text, "Text", IndexedValueType::Text),
    (Type::Keyword, "Keyword", IndexedValueType::Keyword),
    (Type::Int, "Int", IndexedValueType::Int),
    (Type::Double, "Double", IndexedValueType::Double),
    (Type::Bool, "Bool", IndexedValueType::Bool),
    (Type::Datetime, "Datetime", IndexedValueType::Datetime),
    (Type::KeywordList, "KeywordList", IndexedValueType::KeywordList),
];

impl Type {
    /// As it stands in payload metadata and error texts.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// `temporal.api.enums.v1.IndexedValueType`.
    pub fn number(self) -> i32 {
        self.row().2 as i32
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        TYPES.iter().find(|(_, n, _)| *n == name).map(|(ty, ..)| *ty)
    }

    /// `None` for "unspecified" and for numbers of types that do not exist.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        TYPES.iter().find(|(.., n)| *n as i32 == number).map(|(ty, ..)| *ty)
    }

    fn row(self) -> &'static (Type, &'static str, IndexedValueType) {
        TYPES.iter().find(|(ty, ..)| *ty == self).expect("every type has its row")
    }
}

/// An attribute that exists without anyone adding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SystemAttribute {
    pub name: &'static str,
    pub ty: Type,
    /// Whether a request may set it (for SDKs and built-in workflows), or only the server does.
    pub settable: bool,
}

const fn own(name: &'static str, ty: Type) -> SystemAttribute {
    SystemAttribute { name, ty, settable: false }
}

const fn open(name: &'static str, ty: Type) -> SystemAttribute {
    SystemAttribute { name, ty, settable: true }
}

/// Every system and predefined attribute, by name.
pub const SYSTEM: [SystemAttribute; 33] = [
    open("BatcherNamespace", Type::Keyword),
    open("BatcherUser", Type::Keyword),
    open("BinaryChecksums", Type::KeywordList),
    open("BuildIds", Type::KeywordList),
    own("CloseTime", Type::Datetime),
    own("ExecutionDuration", Type::Int),
    own("ExecutionStatus", Type::Keyword),
    own("ExecutionTime", Type::Datetime),
    own("HistoryLength", Type::Int),
    own("HistorySizeBytes", Type::Int),
    own("ParentRunId", Type::Keyword),
    own("ParentWorkflowId", Type::Keyword),
    own("RootRunId", Type::Keyword),
    own("RootWorkflowId", Type::Keyword),
    own("RunId", Type::Keyword),
    own("StartTime", Type::Datetime),
    own("StateTransitionCount", Type::Int),
    own("TaskQueue", Type::Keyword),
    open("TemporalChangeVersion", Type::KeywordList),
    own("TemporalExternalPayloadCount", Type::Int),
    own("TemporalExternalPayloadSizeBytes", Type::Int),
    open("TemporalNamespaceDivision", Type::Keyword),
    open("TemporalPauseInfo", Type::KeywordList),
    open("TemporalReportedProblems", Type::KeywordList),
    open("TemporalSchedulePaused", Type::Bool),
    open("TemporalScheduledById", Type::Keyword),
    open("TemporalScheduledStartTime", Type::Datetime),
    own("TemporalUsedWorkerDeploymentVersions", Type::KeywordList),
    own("TemporalWorkerDeployment", Type::Keyword),
    own("TemporalWorkerDeploymentVersion", Type::Keyword),
    own("TemporalWorkflowVersioningBehavior", Type::Keyword),
    own("WorkflowId", Type::Keyword),
    own("WorkflowType", Type::Keyword),
];

/// Custom attributes that a new namespace has from the start.
pub(crate) const INITIAL_CUSTOM: [(&str, Type); 1] = [("OtelTraceId", Type::Keyword)];

/// The system or predefined attribute of that name.
pub fn system(name: &str) -> Option<&'static SystemAttribute> {
    SYSTEM.iter().find(|attribute| attribute.name == name)
}

/// Whether a custom attribute may not have that name.
pub fn is_reserved(name: &str) -> bool {
    name.starts_with("Temporal") || system(name).is_some()
}
