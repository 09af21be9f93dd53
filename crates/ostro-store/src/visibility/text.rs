//! Words in attributes of kind Text.

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Result};

/// Makes `text_matches(value, filter)` known to SQL.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("text_matches", 2, flags, |call| {
        let filter = call.get_or_create_aux(1, |value| -> Result<_> { Ok(phrases(value.as_str()?)) })?;
        Ok(call.get_raw(0).as_str_or_null()?.is_some_and(|value| matches(&words(value), &filter)))
    })
}

/// Whether a value has words of the filter, as `text_matches` says.
pub(crate) fn contains(value: &str, filter: &str) -> bool {
    matches(&words(value), &phrases(filter))
}

/// Whether any phrase of the filter occurs among the words of the value.
fn matches(words: &[String], phrases: &[Vec<String>]) -> bool {
    phrases.iter().any(|phrase| words.windows(phrase.len()).any(|window| window == phrase))
}

/// What spaces separate in a filter; `well-known` is a phrase of two words.
fn phrases(filter: &str) -> Vec<Vec<String>> {
    filter.split_whitespace().map(words).filter(|phrase| !phrase.is_empty()).collect()
}

/// Runs of letters and digits, in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_word_of_the_filter_is_enough() {
        let value = words("The quick brown Fox, jumps-over 2 Äcker");
        for (filter, expected) in [
            ("fox", true),
            ("FOX", true),
            ("fox dog", true),
            ("jumps-over", true),
            ("over-jumps", false),
            ("jumps", true),
            ("jum", false),
            ("äcker", true),
            ("2", true),
            ("-", false),
            ("", false),
        ] {
            assert_eq!(matches(&value, &phrases(filter)), expected, "{filter}");
        }
    }
}
