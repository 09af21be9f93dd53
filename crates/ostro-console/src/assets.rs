//! The stylesheet and the scripts: in the binary; from disk in a debug build.

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use rust_embed::RustEmbed;

use crate::answer::{Answer, Failure};

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

/// A file of the console. One that is asked for by its hash may be kept for good; a script that another imports is asked for
/// again.
pub(crate) async fn asset(Path(name): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Answer {
    let file = Assets::get(&name).ok_or(Failure::NoPage)?;
    let hash = hash_of(&file);
    let by_hash = query.as_deref().and_then(|query| query.strip_prefix("v=")) == Some(hash.as_str());
    let tag = format!("\"{hash}\"");
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    let kept = if by_hash { "public, max-age=31536000, immutable" } else { "no-cache" };
    let named = [(CONTENT_TYPE, kind(&name).to_owned()), (CACHE_CONTROL, kept.to_owned()), (ETAG, tag)];
    Ok::<Response, Failure>((named, file.data.into_owned()).into_response())
}

/// The address of a file, which changes with what is in it.
pub(crate) fn address(base: &str, name: &str) -> String {
    let hash = Assets::get(name).map(|file| hash_of(&file)).unwrap_or_default();
    format!("{base}/assets/{name}?v={hash}")
}

fn hash_of(file: &rust_embed::EmbeddedFile) -> String {
    file.metadata.sha256_hash()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_and_the_stylesheet_stay_small() {
        let sizes = |ending: &str| -> usize {
            let names = Assets::iter().filter(|name| name.ends_with(ending));
            names.filter_map(|name| Assets::get(&name)).map(|file| file.data.len()).sum()
        };
        assert!((1..=60_000).contains(&sizes(".js")), "{} bytes of scripts", sizes(".js"));
        assert!((1..=40_000).contains(&sizes(".css")), "{} bytes of stylesheet", sizes(".css"));
    }
}
