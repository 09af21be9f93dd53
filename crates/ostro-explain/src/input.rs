//! Inputs that people are to give: what `wait_for_input` of the interactive workflows waits for.

use serde::Deserialize;
use temporalio_protos::temporal::api::common::v1::Payloads;

use crate::reason::{Kind, Reason};

/// The query that interactive workflows answer with what they wait for.
pub(crate) const QUERY: &str = "__get_pending_inputs";

/// One of the answers of that query.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Input {
    task_id: String,
    label: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    pending_inputs: Vec<Input>,
}

/// What the worker says; nothing where it is encrypted, or of another form.
pub(crate) fn read(answer: Option<&Payloads>) -> Vec<Input> {
    let payload = answer.and_then(|answer| answer.payloads.first());
    let answer = payload.and_then(|payload| serde_json::from_slice::<Answer>(&payload.data).ok());
    answer.map(|answer| answer.pending_inputs).unwrap_or_default()
}

/// The reasons, with each input in the place of "for a message".
pub(crate) fn instead(reasons: Vec<Reason>, inputs: Vec<Input>) -> Vec<Reason> {
    if inputs.is_empty() {
        return reasons;
    }
    let others = reasons.into_iter().filter(|reason| reason.kind != Kind::Message);
    inputs.into_iter().map(reason).chain(others).collect()
}

fn reason(input: Input) -> Reason {
    let label = input.label.filter(|label| !label.is_empty());
    let label = label.map(|label| format!(" `{label}`")).unwrap_or_default();
    let sentence = format!(
        "Waiting for the input{label} of a person: give it with the update `__submit_input` (task_id `{}`).",
        input.task_id
    );
    Reason::new(Kind::Input, input.task_id, sentence)
}
