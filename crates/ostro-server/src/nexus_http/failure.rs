//! Failures of the Nexus protocol, in JSON, and those of Temporal.

use std::collections::BTreeMap;

use ostro_engine::nexus::failures::NEXUS_FAILURE;
use ostro_nesting::cut_failure;
use ostro_wire::json;
use prost::Name;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use temporalio_protos::temporal::api::common::v1::{Payload, Payloads};
use temporalio_protos::temporal::api::enums::v1::NexusHandlerErrorRetryBehavior as Retry;
use temporalio_protos::temporal::api::failure::v1::{
    ApplicationFailureInfo, CanceledFailureInfo, Failure, NexusHandlerFailureInfo, failure::FailureInfo,
};
use temporalio_protos::temporal::api::nexus::v1 as nexus;

use super::CANCELED;
use super::depth::shallow;

pub(super) const HANDLER_ERROR: &str = "nexus.HandlerError";
pub(super) const OPERATION_ERROR: &str = "nexus.OperationError";
/// Marks an error that only carries its cause.
const UNWRAP: &str = "unwrap-error";

/// A failure as it travels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NexusFailure {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stack_trace: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub details: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<NexusFailure>>,
}

/// What a handler's error says in its details.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HandlerDetails {
    r#type: String,
    retryable_override: Option<bool>,
}

/// What the error of an operation says in its details.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OperationDetails {
    state: String,
}

impl NexusFailure {
    pub(super) fn kind(&self) -> &str {
        self.metadata.get("type").map_or("", String::as_str)
    }

    /// The state that the error of an operation names; `None` where this is none.
    pub(super) fn operation_state(&self) -> Option<String> {
        let details = || serde_json::from_value::<OperationDetails>(self.details.clone()).unwrap_or_default();
        (self.kind() == OPERATION_ERROR).then(|| details().state)
    }

    /// Without the error around it that only carries it.
    pub(super) fn unwrapped(self) -> Self {
        match self.cause {
            Some(cause) if self.metadata.get(UNWRAP).is_some_and(|value| value == "true") => *cause,
            cause => Self { cause, ..self },
        }
    }

    /// The failure that a body says, however deep its causes nest.
    ///
    /// # Errors
    /// For a body that is no failure.
    pub(super) fn parse(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(&shallow(body))
    }

    /// With no more causes than are kept.
    ///
    /// # Errors
    /// For details that are not what their kind says.
    pub(super) fn into_temporal(self) -> Result<Failure, String> {
        let mut failure = self.into_whole()?;
        cut_failure(&mut failure);
        Ok(failure)
    }

    fn into_whole(self) -> Result<Failure, String> {
        let kind = self.kind().to_owned();
        let mut failure = match kind.as_str() {
            kind if kind == Failure::full_name() => {
                json::from_json::<Failure>(self.details.clone()).map_err(|error| error.to_string())?
            }
            OPERATION_ERROR => of_info(operation_info(self.operation_state().as_deref())),
            HANDLER_ERROR => {
                let details: HandlerDetails = serde_json::from_value(self.details.clone())
                    .map_err(|error| format!("failed to deserialize HandlerError: {error}"))?;
                of_info(handler_info(details.r#type, details.retryable_override))
            }
            _ if self.metadata.is_empty() && self.details.is_null() => Failure::default(),
            _ => of_info(unknown_info(&self)),
        };
        failure.message = self.message;
        failure.stack_trace = self.stack_trace;
        if let Some(cause) = self.cause {
            failure.cause = Some(Box::new(cause.into_whole()?));
        }
        Ok(failure)
    }

    /// A failure of Temporal in the form in which it comes back as it was.
    pub(super) fn of_temporal(mut failure: Failure) -> Self {
        let cause = failure.cause.clone().map(|cause| Box::new(Self::of_temporal(*cause)));
        let message = std::mem::take(&mut failure.message);
        let stack_trace = std::mem::take(&mut failure.stack_trace);
        let (kind, details) = match &failure.failure_info {
            Some(FailureInfo::NexusHandlerFailureInfo(info)) => (HANDLER_ERROR.to_owned(), handler_details(info)),
            _ => (Failure::full_name(), json::to_json(&failure)),
        };
        Self { message, stack_trace, metadata: [("type".to_owned(), kind)].into(), details, cause }
    }

    /// A failure in its older form, as it came.
    pub(super) fn of_old(failure: nexus::Failure) -> Self {
        Self {
            message: failure.message,
            stack_trace: failure.stack_trace,
            metadata: failure.metadata.into_iter().collect(),
            details: serde_json::from_slice(&failure.details).unwrap_or_default(),
            cause: failure.cause.map(|cause| Box::new(Self::of_old(*cause))),
        }
    }

    /// An error of a handler.
    pub(super) fn handler(kind: &str, message: &str, retry: Retry) -> Self {
        let info = NexusHandlerFailureInfo { r#type: kind.to_owned(), retry_behavior: retry as i32 };
        let metadata = [("type".to_owned(), HANDLER_ERROR.to_owned())].into();
        Self { message: message.to_owned(), metadata, details: handler_details(&info), ..Default::default() }
    }

    /// The end of an operation without success, whose failure is `cause`: servers of Temporal take it out again.
    pub(super) fn operation(state: &str, cause: Self) -> Self {
        let metadata = [("type", OPERATION_ERROR), (UNWRAP, "true")];
        Self {
            message: "operation error".to_owned(),
            metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            details: json!({ "state": state }),
            cause: Some(Box::new(cause)),
            ..Default::default()
        }
    }
}

fn of_info(info: FailureInfo) -> Failure {
    Failure { failure_info: Some(info), ..Default::default() }
}

/// An operation's error means a cancellation, or an application's failure that is final.
fn operation_info(state: Option<&str>) -> FailureInfo {
    if state == Some(CANCELED) {
        return FailureInfo::CanceledFailureInfo(CanceledFailureInfo::default());
    }
    FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
        r#type: "OperationError".to_owned(),
        non_retryable: true,
        ..Default::default()
    })
}

pub(super) fn handler_info(kind: String, retryable: Option<bool>) -> FailureInfo {
    let behavior = match retryable {
        None => Retry::Unspecified,
        Some(true) => Retry::Retryable,
        Some(false) => Retry::NonRetryable,
    };
    FailureInfo::NexusHandlerFailureInfo(NexusHandlerFailureInfo { r#type: kind, retry_behavior: behavior as i32 })
}

fn handler_details(info: &NexusHandlerFailureInfo) -> Value {
    match info.retry_behavior() {
        Retry::Unspecified => json!({ "type": info.r#type }),
        behavior => json!({ "type": info.r#type, "retryableOverride": behavior == Retry::Retryable }),
    }
}

/// Of a kind that nobody here knows: kept as it came.
fn unknown_info(failure: &NexusFailure) -> FailureInfo {
    let mut data = serde_json::Map::new();
    if !failure.metadata.is_empty() {
        data.insert("metadata".to_owned(), json!(failure.metadata));
    }
    if !failure.details.is_null() {
        data.insert("details".to_owned(), failure.details.clone());
    }
    let payload = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: Value::Object(data).to_string().into_bytes(),
        ..Default::default()
    };
    FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
        r#type: NEXUS_FAILURE.to_owned(),
        details: Some(Payloads { payloads: vec![payload] }),
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_temporal_survive_the_way() {
        let info = ApplicationFailureInfo { r#type: "T".into(), non_retryable: true, ..Default::default() };
        let cause = of_info(handler_info("INTERNAL".into(), Some(false)));
        let failure = Failure {
            message: "m".into(),
            stack_trace: "at".into(),
            failure_info: Some(FailureInfo::ApplicationFailureInfo(info)),
            cause: Some(Box::new(cause)),
            ..Default::default()
        };
        let nexus = NexusFailure::of_temporal(failure.clone());
        // As the reference server: beside the failure and within its details.
        assert_eq!(nexus.details["cause"]["nexusHandlerFailureInfo"]["type"], "INTERNAL");
        let text = serde_json::to_string(&nexus).unwrap();
        assert!(text.contains(r#""type":"temporal.api.failure.v1.Failure""#), "{text}");
        let read: NexusFailure = serde_json::from_str(&text).unwrap();
        assert_eq!(read.into_temporal(), Ok(failure));
    }

    #[test]
    fn what_is_unknown_is_kept() {
        let read = |text: &str| serde_json::from_str::<NexusFailure>(text).unwrap();
        let failure = read(r#"{"message":"m","metadata":{"k":"v"},"details":{"a":1}}"#).into_temporal().unwrap();
        let Some(FailureInfo::ApplicationFailureInfo(info)) = failure.failure_info else { panic!() };
        assert_eq!(info.r#type, NEXUS_FAILURE);
        let kept: serde_json::Value = serde_json::from_slice(&info.details.unwrap().payloads[0].data).unwrap();
        assert_eq!(kept, serde_json::json!({"metadata": {"k": "v"}, "details": {"a": 1}}));
        assert_eq!(read(r#"{"message":"m"}"#).into_temporal().unwrap().failure_info, None);
        assert!(read(r#"{"metadata":{"type":"nexus.HandlerError"},"details":3}"#).into_temporal().is_err());
    }

    #[test]
    fn chains_of_causes_are_cut_however_they_are_written() {
        let chain = |failure: &Failure| {
            std::iter::successors(Some(failure), |failure| failure.cause.as_deref())
                .map(|f| f.message.clone())
                .collect()
        };
        for causes in [61, 99, 110, 5_000] {
            let plain =
                format!(r#"{}{{"message":"x"}}{}"#, r#"{"message":"x","cause":"#.repeat(causes), "}".repeat(causes));
            let typed = format!(
                r#"{{"message":"x","metadata":{{"type":"temporal.api.failure.v1.Failure"}},"details":{plain}}}"#
            );
            for json in [plain, typed] {
                let messages: Vec<String> =
                    chain(&NexusFailure::parse(json.as_bytes()).unwrap().into_temporal().unwrap());
                assert_eq!(messages.len(), 61, "{causes}");
                assert!(messages[60].contains("left out here"), "{messages:?}");
            }
        }
    }

    #[test]
    fn a_wrapper_gives_way_to_its_cause() {
        let wrapper = r#"{"message":"w","metadata":{"unwrap-error":"true"},"cause":{"message":"c"}}"#;
        let failure: NexusFailure = serde_json::from_str(wrapper).unwrap();
        assert_eq!(failure.clone().unwrapped().message, "c");
        let plain = NexusFailure { metadata: BTreeMap::new(), ..failure };
        assert_eq!(plain.clone().unwrapped(), plain);
    }
}
