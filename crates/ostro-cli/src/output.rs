//! Writing to standard output, for people or for programs.

use std::io::{self, Write};

use serde_json::Value;

use crate::printable;

/// Text for people, or JSON for programs (`--json`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

impl Format {
    /// Prints one answer: indented JSON, or text.
    pub fn print(self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
        match self {
            Self::Json => write(&format!("{:#}", json())),
            Self::Text => write(&text()),
        }
    }
}

/// Writes `text`, without what a terminal would obey, and a newline if it has none; nothing for empty text. A reader that went away (`| head`) is no error.
pub fn write(text: &str) {
    if text.is_empty() {
        return;
    }
    let text = printable::text(text);
    let mut stdout = io::stdout().lock();
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(stdout, "{text}{newline}").and_then(|()| stdout.flush());
}
