//! The errors of a filter: Temporal's sentence first, then where it is and what to do.

use ostro_engine::error::Error;

pub(crate) fn syntax(position: usize, near: &str, expected: &str) -> Error {
    let near = if near.is_empty() { " at the end of the query".to_owned() } else { format!(" near '{near}'") };
    Error::invalid(format!("invalid query: malformed SQL query: syntax error at position {position}{near}: {expected}"))
}

pub(crate) fn invalid(position: usize, what: &str) -> Error {
    Error::invalid(format!("invalid query: invalid expression: {what} (at position {position})"))
}

pub(crate) fn unsupported(position: usize, what: &str) -> Error {
    Error::invalid(format!("invalid query: operation is not supported: {what} (at position {position})"))
}

pub(crate) fn too_large(what: &str) -> Error {
    Error::invalid(format!("invalid query: {what}: split it into several queries"))
}

pub(crate) fn unknown_attribute(position: usize, name: &str, close: Option<&str>) -> Error {
    let hint = match close {
        Some(close) => format!("did you mean {close}?"),
        None => "check the spelling, or register it with `operator search-attribute create`".to_owned(),
    };
    Error::invalid(format!("invalid query: invalid search attribute: {name} (at position {position}): {hint}"))
}
