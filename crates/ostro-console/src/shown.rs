//! Texts of others as a page shows them.

use ostro_explain::printable;

/// Characters of a text that a table or a heading shows.
const LINE_CHARS_MAX: usize = 240;
/// Bytes of a text that a page shows in full; more is there to download.
pub(crate) const TEXT_BYTES_MAX: usize = 64 << 10;

/// One line: what would hide or reorder letters is spelled out, what is long is cut.
pub(crate) fn line(text: &str) -> String {
    let cut = cut(text, LINE_CHARS_MAX);
    match cut.len() == text.len() {
        true => printable::line(text).into_owned(),
        false => format!("{}…", printable::line(cut)),
    }
}

/// One line in full, where it must be whole: an id, a name.
pub(crate) fn whole(text: &str) -> String {
    printable::line(text).into_owned()
}

/// Text of several lines, at most [`TEXT_BYTES_MAX`]; says where it was cut.
pub(crate) fn text(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return printable::text(text).into_owned();
    }
    let end = (0..=TEXT_BYTES_MAX).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{}\n… {} more bytes", printable::text(&text[..end]), text.len() - end)
}

/// The first characters of a text.
fn cut(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(at, _)| &text[..at])
}

/// A sentence whose names are in backticks, as pieces: whether each is a name, and its text. Where a name has backticks of its
/// own the sentence stays whole.
pub(crate) fn pieces(sentence: &str) -> Vec<(bool, String)> {
    let parts: Vec<&str> = sentence.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return vec![(false, text(sentence))];
    }
    parts
        .into_iter()
        .enumerate()
        .map(|(place, part)| (place % 2 == 1, text(part)))
        .filter(|(_, part)| !part.is_empty())
        .collect()
}

/// `EXECUTION_STATUS_TIMED_OUT` as `Timed out`, without what all names of the enumeration begin with.
pub(crate) fn name(full: &str, prefix: &str) -> String {
    let words = full.strip_prefix(prefix).unwrap_or(full).to_lowercase().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// A number with thin spaces between thousands: `1 234 567`.
pub(crate) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    format!("{}{}", if number < 0 { "-" } else { "" }, groups.join("\u{202f}"))
}

/// A size: `512 B`, `1.5 kB`, `3.2 MB`.
pub(crate) fn bytes(bytes: i64) -> String {
    match bytes as f64 {
        few if few < 1e3 => format!("{few} B"),
        some if some < 1e6 => format!("{:.1} kB", some / 1e3),
        many if many < 1e9 => format!("{:.1} MB", many / 1e6),
        most => format!("{:.1} GB", most / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_is_spelled_out_and_what_is_long_is_cut() {
        assert_eq!(line("a\u{202e}b\u{1b}[31m"), "a\\u202eb\\u001b[31m");
        assert_eq!(line(&"ä".repeat(500)), format!("{}…", "ä".repeat(LINE_CHARS_MAX)));
        let long = text(&"€".repeat(TEXT_BYTES_MAX));
        assert!(long.len() < TEXT_BYTES_MAX + 64 && long.ends_with("more bytes"));
        assert_eq!(whole("a\nb"), "a\\nb");
    }

    #[test]
    fn names_within_a_sentence_are_told_apart() {
        let named = |text: &str| (true, text.to_owned());
        let plain = |text: &str| (false, text.to_owned());
        assert_eq!(pieces("for `a`: `b`."), [plain("for "), named("a"), plain(": "), named("b"), plain(".")]);
        assert_eq!(pieces("for `a`b`"), [plain("for `a`b`")]);
    }

    #[test]
    fn names_numbers_and_sizes() {
        assert_eq!(name("RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED", "RETRY_STATE_"), "Maximum attempts reached");
        assert_eq!((count(0), count(-1_234_567)), ("0".to_owned(), "-1\u{202f}234\u{202f}567".to_owned()));
        assert_eq!((bytes(999), bytes(1_500)), ("999 B".to_owned(), "1.5 kB".to_owned()));
    }
}
