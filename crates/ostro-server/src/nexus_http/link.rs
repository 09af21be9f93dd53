//! Links in the header `Nexus-Link`: `<URL>; type="TYPE"`, one or more.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use temporalio_protos::temporal::api::nexus::v1::Link;

use super::LINK;

/// Adds a header for each link; one that cannot be told so is left out, since nothing rests on it.
pub(super) fn set_links<'a>(headers: &mut HeaderMap, links: impl IntoIterator<Item = &'a Link>) {
    for link in links {
        if let Ok(value) = HeaderValue::from_str(&format!("<{}>; type=\"{}\"", link.url, link.r#type)) {
            headers.append(HeaderName::from_static(LINK), value);
        }
    }
}

/// # Errors
/// For a header that holds no links, in words.
pub(super) fn links(headers: &HeaderMap) -> Result<Vec<Link>, String> {
    let values = headers.get_all(LINK).iter().map(|value| value.to_str().unwrap_or_default());
    values.flat_map(|value| value.split(',')).map(|text| parse(text.trim())).collect()
}

fn parse(text: &str) -> Result<Link, String> {
    let invalid = || format!("failed to parse link header: invalid format: {text}");
    let (url, parameters) = text.strip_prefix('<').and_then(|rest| rest.split_once('>')).ok_or_else(invalid)?;
    if url.trim().is_empty() {
        return Err("failed to parse link header: url is empty".to_owned());
    }
    let mut parameters = parameters.split(';').map(str::trim);
    if parameters.next() != Some("") {
        return Err(invalid());
    }
    let kind = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(key, _)| key.trim() == "type")
        .map(|(_, value)| value.trim().trim_matches('"'))
        .ok_or_else(|| format!("failed to parse link header: \"type\" key not found: {text}"))?;
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_./".contains(&byte);
    if kind.is_empty() || !kind.bytes().all(named) {
        return Err(format!("failed to parse link header: {kind:?} is no type of a link"));
    }
    Ok(Link { url: url.trim().to_owned(), r#type: kind.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_survive_the_way() {
        let of = |url: &str| Link { url: url.into(), r#type: "a.b/C_1".into() };
        let all = [of("temporal:///a?b=c&d=%20"), of("http://x")];
        let mut headers = HeaderMap::new();
        set_links(&mut headers, &all);
        assert_eq!(links(&headers).unwrap(), all);
        let joined = HeaderMap::from_iter([(
            HeaderName::from_static(LINK),
            HeaderValue::from_static("<temporal:///a?b=c&d=%20>; type=\"a.b/C_1\", <http://x>; other; type=a.b/C_1"),
        )]);
        assert_eq!(links(&joined).unwrap(), all);
        assert_eq!(links(&HeaderMap::new()).unwrap(), []);
    }

    #[test]
    fn what_is_no_link_is_refused() {
        for text in
            ["", "nowhere", "<>; type=\"a\"", "<a>", "<a> b; type=\"a\"", "<a>; kind=\"a\"", "<a>; type=\"a b\""]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
