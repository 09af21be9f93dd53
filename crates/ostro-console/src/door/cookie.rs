//! Cookies, read and written.

use http::HeaderMap;
use http::header::COOKIE;

/// Names a session of somebody who is signed in.
pub(crate) const SESSION_COOKIE: &str = "ostro_session";
/// Ties the tokens of forms to a browser that is not signed in.
pub(crate) const FORM_COOKIE: &str = "ostro_form";

/// The value of a cookie of a request.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// A `Set-Cookie` that no script reads. `base`: the prefix under which the console is reached.
pub(crate) fn set(name: &str, value: &str, base: &str, secure: bool, same_site: &str, max_age: u64) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path={base}/; HttpOnly; SameSite={same_site}; Max-Age={max_age}{secure}")
}

/// A `Set-Cookie` that takes one back.
pub(crate) fn delete(name: &str, base: &str) -> String {
    format!("{name}=; Path={base}/; HttpOnly; SameSite=Strict; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers =
            HeaderMap::from_iter([(COOKIE, "xostro_session=1; ostro_session=2;ostro_session=3".parse().unwrap())]);
        assert_eq!(cookie(&headers, SESSION_COOKIE), Some("2"));
        assert_eq!(cookie(&headers, "session"), None);
        let written = set("a", "b", "/ostro", true, "Strict", 60);
        assert_eq!(written, "a=b; Path=/ostro/; HttpOnly; SameSite=Strict; Max-Age=60; Secure");
    }
}
