//! Where callbacks may go: patterns of the host and port of a URL.

/// URLs longer than this are refused, as on the reference server.
const URL_LENGTH_MAX: usize = 1000;

/// A pattern such as `https://*.example.com:*`; `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackAddress {
    /// Whether requests may go in the clear.
    insecure: bool,
    /// Host and port, in pieces between the `*`s.
    pieces: Vec<String>,
}

impl CallbackAddress {
    /// `https://PATTERN`, or `http://PATTERN` where requests may go in the clear.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, pattern) = text.split_once("://")?;
        let whole = !pattern.is_empty() && !pattern.contains(['/', '?', '#']);
        let insecure = match scheme {
            "http" => true,
            "https" => false,
            _ => return None,
        };
        whole.then(|| Self { insecure, pieces: pattern.split('*').map(str::to_owned).collect() })
    }

    fn matches(&self, host: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|only| only == host);
        };
        let Some(mut rest) = host.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

/// Refuses a URL to which callbacks may not go.
///
/// # Errors
/// What is wrong with it.
pub fn check(url: &str, allowed: &[CallbackAddress]) -> Result<(), String> {
    if url.len() > URL_LENGTH_MAX {
        return Err(format!("invalid url: url length longer than max length allowed of {URL_LENGTH_MAX}"));
    }
    let secure = match scheme(url).as_str() {
        "https" => true,
        "http" => false,
        _ => return Err(format!("invalid url: unknown scheme: {url}")),
    };
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if host.is_empty() {
        return Err("invalid url: missing host".to_owned());
    }
    if let Some(escape) = bad_escape(url) {
        return Err(format!("invalid callback url: parse {url:?}: invalid URL escape {escape:?}"));
    }
    match allowed.iter().find(|address| address.matches(host)) {
        None => Err(format!("invalid url: url does not match any configured callback address: {url}")),
        Some(address) if !secure && !address.insecure => {
            Err(format!("invalid url: callback address does not allow insecure connections: {url}"))
        }
        Some(_) => Ok(()),
    }
}

/// A `%` without two hexadecimal digits after it, outside of the query, which is taken as it is.
fn bad_escape(url: &str) -> Option<&str> {
    let (start, fragment) = url.split_once('#').unwrap_or((url, ""));
    let path = start.split_once('?').map_or(start, |(path, _)| path);
    [path, fragment].into_iter().find_map(|part| {
        let is_bad = |index: &usize| {
            let digits = part.as_bytes().get(index + 1..index + 3);
            !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        let index = part.match_indices('%').map(|(index, _)| index).find(is_bad)?;
        part.get(index..index + 3).or_else(|| part.get(index..))
    })
}

/// What stands before the first colon, in small letters; nothing where that can be no scheme.
pub fn scheme(url: &str) -> String {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let whole = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if whole { scheme.to_ascii_lowercase() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_where_callbacks_may_go() {
        let allowed: Vec<_> = ["http://localhost:*", "https://*.example.com", "https://a*b*c:1"]
            .map(|text| CallbackAddress::parse(text).unwrap())
            .into();
        let of = |url: &str| check(url, &allowed).map_err(|error| error.split(':').nth(1).unwrap().trim().to_owned());
        let refused = |words: &str| Err(words.to_owned());
        for (url, outcome) in [
            ("http://localhost:80/a?b", Ok(())),
            ("https://localhost:80", Ok(())),
            ("https://user@a.example.com/", Ok(())),
            ("HTTPS://a.b.example.com#x", Ok(())),
            ("https://axxbxxc:1", Ok(())),
            ("https://axxcxxb:1", refused("url does not match any configured callback address")),
            ("https://a.example.com.evil/", refused("url does not match any configured callback address")),
            ("http://a.example.com/", refused("callback address does not allow insecure connections")),
            ("http:///a", refused("missing host")),
            ("http://localhost:1/%zz", refused("parse \"http")),
            ("http://localhost:1/%2", refused("parse \"http")),
            ("http://localhost:1/%20?%zz", Ok(())),
            ("ftp://localhost:1", refused("unknown scheme")),
            ("temporal://system/a", refused("unknown scheme")),
            ("localhost", refused("unknown scheme")),
        ] {
            assert_eq!(of(url), outcome, "{url}");
        }
        for text in ["localhost", "ftp://a", "http://", "http://a/b"] {
            assert_eq!(CallbackAddress::parse(text), None);
        }
    }
}
