//! The states of an execution, as pages name and colour them.

use temporalio_protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

/// All of them, failures first: name in filters, name on pages, class of style.
pub(crate) const ALL: [(Status, &str, &str, &str); 8] = [
    (Status::Failed, "Failed", "Failed", "failed"),
    (Status::TimedOut, "TimedOut", "Timed out", "failed"),
    (Status::Terminated, "Terminated", "Terminated", "stopped"),
    (Status::Canceled, "Canceled", "Canceled", "stopped"),
    (Status::Running, "Running", "Running", "running"),
    (Status::Paused, "Paused", "Paused", "paused"),
    (Status::Completed, "Completed", "Completed", "done"),
    (Status::ContinuedAsNew, "ContinuedAsNew", "Continued as new", "done"),
];

/// A status on a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Badge {
    pub name: &'static str,
    pub class: &'static str,
}

/// The badge of a status.
pub(crate) fn badge(status: Status) -> Badge {
    let found = ALL.iter().find(|(known, ..)| *known == status);
    found.map_or(Badge { name: "Unknown", class: "stopped" }, |(_, _, name, class)| Badge { name, class })
}

/// Whether it goes on.
pub(crate) fn is_open(status: Status) -> bool {
    matches!(status, Status::Running | Status::Paused)
}
