//! The status of a run: a number in the row, a name in filters.

use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus;

const PREFIX: &str = "WORKFLOW_EXECUTION_STATUS_";
/// Above every number that the protocol gives to a status.
const NUMBERS: std::ops::Range<i32> = 0..32;

/// All statuses, with the names that filters and groups use: `TimedOut`, not `TIMED_OUT`.
pub(crate) fn all() -> impl Iterator<Item = (i32, String)> {
    NUMBERS.filter_map(|number| Some((number, name(number)?)))
}

/// The name of a status.
pub(crate) fn name(number: i32) -> Option<String> {
    let protocol = WorkflowExecutionStatus::try_from(number).ok()?.as_str_name();
    let words = protocol.strip_prefix(PREFIX)?.split('_');
    Some(words.map(|word| format!("{}{}", &word[..1], word[1..].to_ascii_lowercase())).collect())
}

/// Whether a run of this status has not ended.
pub(crate) fn is_open(number: i32) -> bool {
    use WorkflowExecutionStatus::{Paused, Running};
    [Running as i32, Paused as i32].contains(&number)
}

/// The status of a name, in either spelling; case matters.
pub(crate) fn number(text: &str) -> Option<i32> {
    let protocol = WorkflowExecutionStatus::from_str_name(text).map(|status| status as i32);
    protocol.or_else(|| all().find(|(_, name)| name == text).map(|(number, _)| number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_reference_server() {
        assert_eq!(name(1).as_deref(), Some("Running"));
        assert_eq!(name(6).as_deref(), Some("ContinuedAsNew"));
        assert_eq!(name(7).as_deref(), Some("TimedOut"));
        assert_eq!(name(31), None);
        assert_eq!(number("TimedOut"), Some(7));
        assert_eq!(number("WORKFLOW_EXECUTION_STATUS_TIMED_OUT"), Some(7));
        assert_eq!(number("timedout"), None);
    }
}
