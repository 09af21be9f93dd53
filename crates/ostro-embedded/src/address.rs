//! Where a program's engine is: one setting chooses between a file, a server and a cluster.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

/// The environment variable that names the engine.
pub const ADDRESS_VARIABLE: &str = "OSTRO_ADDRESS";
/// Directory of the data where nothing else is named: that of `ostro dev`.
pub const DATA_DEFAULT: &str = "./.ostro";
/// The port of a server that is named without one.
const PORT_DEFAULT: u16 = 7233;
/// Keeps nothing: an engine on a temporary directory.
const EPHEMERAL: &str = ":memory:";
const SERVER_SCHEMES: [&str; 3] = ["http://", "https://", "temporal://"];

/// Where the engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// In this process, with its data in this directory, or in this file where the name ends in `.db`.
    Embedded(PathBuf),
    /// In this process, with data that goes with it.
    Ephemeral,
    /// An Ostro server or a Temporal cluster.
    Server(Url),
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no address of an engine ({reason}): give host:port for a server, a file such as app.db or a directory such as \
     ./data for an engine in this process, or {EPHEMERAL} for one that keeps nothing"
)]
pub struct AddressError {
    text: String,
    reason: String,
}

impl Address {
    /// What `OSTRO_ADDRESS` says; an engine in this process with its data in [`DATA_DEFAULT`] where it is unset or empty.
    pub fn from_env() -> Result<Self, AddressError> {
        match std::env::var_os(ADDRESS_VARIABLE) {
            Some(text) => text.to_string_lossy().parse(),
            None => Ok(Self::default()),
        }
    }
}

impl Default for Address {
    fn default() -> Self {
        Self::Embedded(PathBuf::from(DATA_DEFAULT))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(Self::default());
        }
        if trimmed == EPHEMERAL {
            return Ok(Self::Ephemeral);
        }
        if SERVER_SCHEMES.iter().any(|scheme| trimmed.starts_with(scheme)) {
            let Some(place) = trimmed.strip_prefix("temporal://") else { return server(text, trimmed) };
            let port = if is_host_and_port(place) { String::new() } else { format!(":{PORT_DEFAULT}") };
            return server(text, &format!("http://{}{port}", bracketed(place)));
        }
        if is_path(trimmed) {
            return Ok(Self::Embedded(PathBuf::from(trimmed)));
        }
        if is_host_and_port(trimmed) {
            return server(text, &format!("http://{trimmed}"));
        }
        match trimmed.split_once("://") {
            Some(("file", path)) => Ok(Self::Embedded(PathBuf::from(path))),
            Some((scheme, _)) => Err(wrong(text, &format!("nothing speaks {scheme}://"))),
            None if trimmed.contains(['/', '\\']) => Err(wrong(text, &format!("write ./{trimmed} for a directory"))),
            None => server(text, &format!("http://{}:{PORT_DEFAULT}", bracketed(trimmed))),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(path) => write!(f, "{}", path.display()),
            Self::Ephemeral => f.write_str(EPHEMERAL),
            Self::Server(url) => write!(f, "{url}"),
        }
    }
}

fn server(text: &str, url: &str) -> Result<Address, AddressError> {
    let url = Url::parse(url).map_err(|error| wrong(text, &error.to_string()))?;
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(Address::Server(url)),
        _ => Err(wrong(text, "it names no host")),
    }
}

/// A directory begins with `.`, `/` or `~`, a file ends in `.db`: what else stands alone is a host.
fn is_path(text: &str) -> bool {
    text.starts_with(['.', '/', '~', '\\']) || (text.ends_with(".db") && !text.contains("://"))
}

/// An IPv6 address as a URL has it.
fn bracketed(host: &str) -> String {
    if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() }
}

/// `host:port`: a path with a colon and nothing but digits after it must be written with a slash (`./a:1`).
fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains(['/', '\\'])
            && !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && text.parse::<std::net::Ipv6Addr>().is_err()
    })
}

fn wrong(text: &str, reason: &str) -> AddressError {
    AddressError { text: text.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_servers_and_nothing() {
        let file = |path: &str| Address::Embedded(PathBuf::from(path));
        let server = |url: &str| Address::Server(Url::parse(url).unwrap());
        for (text, expected) in [
            ("", file(DATA_DEFAULT)),
            ("  ", file(DATA_DEFAULT)),
            ("app.db", file("app.db")),
            ("./a:1", file("./a:1")),
            ("file:///var/app.db", file("/var/app.db")),
            (":memory:", Address::Ephemeral),
            ("localhost", server("http://localhost:7233")),
            ("ostro.example", server("http://ostro.example:7233")),
            ("10.0.0.1", server("http://10.0.0.1:7233")),
            ("::1", server("http://[::1]:7233")),
            ("temporal://h", server("http://h:7233")),
            ("./localhost", file("./localhost")),
            ("../data", file("../data")),
            ("/var/data", file("/var/data")),
            (".ostro", file(".ostro")),
            ("dir/app.db", file("dir/app.db")),
            ("a:1.db", file("a:1.db")),
            ("localhost:7233", server("http://localhost:7233")),
            ("[::1]:7233", server("http://[::1]:7233")),
            ("http://h:1", server("http://h:1")),
            ("https://h", server("https://h")),
            ("temporal://h:7233", server("http://h:7233")),
        ] {
            assert_eq!(text.parse::<Address>().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_says_what_to_give() {
        for text in ["postgres://h", "http://", "h:99999", "data/here", "two words"] {
            let message = text.parse::<Address>().unwrap_err().to_string();
            assert!(message.contains(text) && message.contains("host:port"), "{message}");
        }
    }
}
