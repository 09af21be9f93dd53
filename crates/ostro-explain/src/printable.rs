//! Text of others, on a terminal or a page: what would move a cursor, colour it, reorder its letters or hide them is spelled out.
//!
//! Ids, names, payloads and failures are whatever a client sent. What is spelled out is spelled as JSON spells it (`\u001b`), so
//! that JSON stays JSON with the same meaning.

use std::borrow::Cow;
use std::fmt::Write;

/// Text of one or more lines: line feeds and tabs stay.
pub fn text(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_hidden(character) && !matches!(character, '\n' | '\t'))
}

/// What belongs on one line: line feeds and tabs are spelled out too.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden)
}

/// Whether a terminal would do anything but show it: control characters (C0 and C1), line separators, what sets the
/// direction of text, and characters without a shape. Joiners stay: scripts and emoji are written with them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escaped(text: &str, which: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&which) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' if which('\n') => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' if which('\t') => escaped.push_str("\\t"),
            character if which(character) => spell(&mut escaped, character),
            character => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

fn spell(out: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        write!(out, "\\u{unit:04x}").expect("text takes everything that is written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        for (given, shown) in [
            ("größe 漢字 👩‍💻 a\tb\nc", "größe 漢字 👩‍💻 a\tb\nc"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u001b[2J\\u001b]0;title\\u0007"),
            ("\u{9b}31m", "\\u009b31m"),
            ("a\rb\u{8}\u{7f}", "a\\rb\\u0008\\u007f"),
            ("\u{202e}evil\u{2066}", "\\u202eevil\\u2066"),
            ("a\u{200b}b\u{feff}\u{2028}", "a\\u200bb\\ufeff\\u2028"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(text(given), shown, "{given:?}");
        }
        assert_eq!(line("a\nb\tc"), "a\\nb\\tc");
    }

    #[test]
    fn json_means_the_same_afterwards() {
        let value = serde_json::json!({ "id": "\u{1b}[31m\u{9b}\u{202e}\u{e0041}\n\"\\" });
        for written in [value.to_string(), format!("{value:#}")] {
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text(&written)).unwrap(), value);
        }
    }
}
