//! How deep JSON of strangers is read.

use std::borrow::Cow;

/// Levels that are read: those of a failure with as many causes as are kept, and its details, and more. The parser stops at 128.
const LEVELS_MAX: usize = 120;

/// The same JSON with `null` for what is nested deeper than [`LEVELS_MAX`]: a long chain of causes is cut rather than refused.
///
/// What is no JSON stays none.
pub(super) fn shallow(json: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = Scan::new(json).find(|found| found.level > LEVELS_MAX) else { return Cow::Borrowed(json) };
    let mut kept = json[..first.at].to_vec();
    let mut from = None;
    for Bracket { at, level, opens } in Scan::new(json) {
        match (opens, from) {
            (true, None | Some(_)) if level == LEVELS_MAX + 1 => {
                kept.extend_from_slice(from.map_or(&[][..], |from| &json[from..at]));
                kept.extend_from_slice(b"null");
                from = None;
            }
            (false, None) if level == LEVELS_MAX + 1 => from = Some(at + 1),
            _ => {}
        }
    }
    kept.extend_from_slice(from.map_or(&[][..], |from| &json[from..]));
    Cow::Owned(kept)
}

/// A bracket outside of strings.
struct Bracket {
    at: usize,
    /// Of what is within; 1 for the outermost.
    level: usize,
    opens: bool,
}

struct Scan<'a> {
    json: &'a [u8],
    at: usize,
    level: usize,
    in_string: bool,
}

impl<'a> Scan<'a> {
    fn new(json: &'a [u8]) -> Self {
        Self { json, at: 0, level: 0, in_string: false }
    }
}

impl Iterator for Scan<'_> {
    type Item = Bracket;

    fn next(&mut self) -> Option<Bracket> {
        loop {
            let at = self.at;
            let byte = *self.json.get(at)?;
            self.at += 1;
            match (self.in_string, byte) {
                (true, b'\\') => self.at += 1,
                (in_string, b'"') => self.in_string = !in_string,
                (false, b'{' | b'[') => {
                    self.level += 1;
                    return Some(Bracket { at, level: self.level, opens: true });
                }
                (false, b'}' | b']') => {
                    let level = self.level;
                    self.level = level.saturating_sub(1);
                    return Some(Bracket { at, level, opens: false });
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn nested(levels: usize) -> String {
        let open = r#"{"a":"}\"[","cause":"#;
        format!("{}[1]{}", open.repeat(levels - 1), r#","z":[2]}"#.repeat(levels - 1))
    }

    #[test]
    fn what_is_not_too_deep_stays_as_it_is() {
        for json in [nested(1), nested(LEVELS_MAX), "nonsense}}]".to_owned(), String::new()] {
            assert!(matches!(shallow(json.as_bytes()), Cow::Borrowed(_)), "{json}");
        }
    }

    #[test]
    fn what_is_too_deep_is_cut_and_what_is_beside_it_stays() {
        for levels in [LEVELS_MAX + 1, 127, 128, 100_000] {
            let json = nested(levels);
            let read: Value = serde_json::from_slice(&shallow(json.as_bytes())).unwrap();
            let mut at = &read;
            for _ in 1..LEVELS_MAX {
                assert_eq!(at["a"], "}\"[");
                at = &at["cause"];
            }
            // The innermost that is kept has only what nests no further.
            assert_eq!((&at["a"], &at["cause"], &at["z"]), (&Value::from("}\"["), &Value::Null, &Value::Null));
        }
    }

    #[test]
    fn deep_nonsense_ends() {
        for json in ["[".repeat(1_000_000), "]".repeat(1_000_000), "{\"".repeat(200_000), "[\\".repeat(1000)] {
            let _ = serde_json::from_slice::<Value>(&shallow(json.as_bytes()));
        }
    }
}
