//! Addresses of pages. Ids may be anything: they are encoded, and those that a browser would take for a step up go elsewhere.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a part of a path or of a query.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Stands for an id that cannot be part of a path; the query has it then.
pub(crate) const ELSEWHERE: &str = "~";

/// One part of a path, or a value of a query.
pub(crate) fn part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// Whether a text cannot be part of a path: browsers resolve dots, whatever their encoding, and lose what is empty.
fn is_a_step(text: &str) -> bool {
    matches!(text, "" | "." | ".." | ELSEWHERE)
}

/// A namespace's pages: `base/namespaces/NAME`.
pub(crate) fn namespace(base: &str, namespace: &str) -> String {
    format!("{base}/namespaces/{}", part(namespace))
}

/// A page of one thing of a namespace: `.../KIND/ID/rest?id=...`; `rest` begins with a slash or is empty.
pub(crate) fn thing(base: &str, namespace: &str, kind: &str, id: &str, rest: &str) -> String {
    let home = self::namespace(base, namespace);
    match is_a_step(id) {
        true => format!("{home}/{kind}/{ELSEWHERE}{rest}?id={}", part(id)),
        false => format!("{home}/{kind}/{}{rest}", part(id)),
    }
}

/// The page of an execution, its newest run where `run` is empty.
pub(crate) fn execution(base: &str, namespace: &str, id: &str, run: &str) -> String {
    let rest = if run.is_empty() { String::new() } else { format!("/{}", part(run)) };
    thing(base, namespace, "workflows", id, &rest)
}

/// A query of an address: `?a=1&b=2`, without what is empty.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let written: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", part(value)))
        .collect();
    if written.is_empty() { String::new() } else { format!("?{}", written.join("&")) }
}

/// More pairs for an address that may have a query already.
pub(crate) fn with(address: &str, name: &str, value: &str) -> String {
    let sign = if address.contains('?') { '&' } else { '?' };
    format!("{address}{sign}{name}={}", part(value))
}

/// Whether an address leads to a page of this server: a path, and nothing that a browser takes for a host.
pub(crate) fn is_local(address: &str) -> bool {
    address.starts_with('/') && !address.starts_with("//") && !address.contains(['\\', '\n', '\r', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_id_has_an_address() {
        assert_eq!(execution("", "default", "a/b?c#d", "r1"), "/namespaces/default/workflows/a%2Fb%3Fc%23d/r1");
        assert_eq!(execution("/ostro", "default", "..", "r1"), "/ostro/namespaces/default/workflows/~/r1?id=..");
        assert_eq!(execution("", "default", "<script>", ""), "/namespaces/default/workflows/%3Cscript%3E");
        assert_eq!(query(&[("a", "1 2"), ("b", ""), ("c", "ü")]), "?a=1%202&c=%C3%BC");
        assert_eq!(with("/a?b=1", "c", "&"), "/a?b=1&c=%26");
    }

    #[test]
    fn only_paths_are_local() {
        for (address, local) in
            [("/a", true), ("//evil", false), ("/\\evil", false), ("https://evil", false), ("", false)]
        {
            assert_eq!(is_local(address), local, "{address}");
        }
    }
}
