//! Pages of lists.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::model::error::{Error, Result};

const LIMIT_MAX: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    Asc,
    Desc,
}

/// A page of a list that is small enough to be looked through: the cursor is a place in it.
pub(crate) fn page<T>(all: Vec<T>, limit: Option<usize>, cursor: Option<&str>) -> Result<(Vec<T>, Option<String>)> {
    let limit = limit.unwrap_or(50);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Error::at(&["query", "limit"], format!("give 1 to {LIMIT_MAX}, not {limit}"), "value_error"));
    }
    let from: usize = match cursor {
        None | Some("") => 0,
        Some(cursor) => cursor
            .parse()
            .map_err(|_| Error::at(&["query", "cursor"], "not a cursor that this list gave", "value_error"))?,
    };
    let total = all.len();
    let page: Vec<T> = all.into_iter().skip(from).take(limit).collect();
    let next = from.saturating_add(page.len());
    Ok((page, (next < total).then(|| next.to_string())))
}

/// The sequence number that a client gives back; absent or empty is none.
pub(crate) fn sequence(text: Option<&str>, place: &[&str]) -> Result<Option<u64>> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => {
            let number = text.parse().ok().filter(|number| i64::try_from(*number).is_ok());
            number.map(Some).ok_or_else(|| Error::at(place, "not the number of an event", "value_error"))
        }
    }
}
