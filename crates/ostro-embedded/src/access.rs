//! How a program proves who it is to a server, and how it knows the server: keys and TLS, one set of variables in all of them.
//!
//! | variable | of Temporal's | |
//! |---|---|---|
//! | `OSTRO_API_KEY` | `TEMPORAL_API_KEY` | sent with each call |
//! | `OSTRO_TLS` | `TEMPORAL_TLS` | `true` speaks TLS with `host:port` too, `false` never |
//! | `OSTRO_TLS_CA` | `TEMPORAL_TLS_SERVER_CA_CERT_PATH`, `TEMPORAL_TLS_SERVER_ROOT_CA_CERT_PATH` | the authority of the server's certificate |
//! | `OSTRO_TLS_CERT`, `OSTRO_TLS_KEY` | `TEMPORAL_TLS_CLIENT_CERT_PATH`, `TEMPORAL_TLS_CLIENT_KEY_PATH` | a certificate of the program's own |
//! | `OSTRO_TLS_SERVER_NAME` | `TEMPORAL_TLS_SERVER_NAME` | the name in the server's certificate, where it is not the host |
//! | `OSTRO_PLAIN_TEXT_KEY` | | `true` lets the key leave over plain text to a host that is not this machine |

use std::fmt;
use std::path::Path;

use temporalio_client::{ClientTlsOptions, TlsOptions};
use url::{Host, Url};

const API_KEY: [&str; 2] = ["OSTRO_API_KEY", "TEMPORAL_API_KEY"];
const TLS: [&str; 2] = ["OSTRO_TLS", "TEMPORAL_TLS"];
const CA: [&str; 3] = ["OSTRO_TLS_CA", "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_SERVER_ROOT_CA_CERT_PATH"];
const CERT: [&str; 2] = ["OSTRO_TLS_CERT", "TEMPORAL_TLS_CLIENT_CERT_PATH"];
const KEY: [&str; 2] = ["OSTRO_TLS_KEY", "TEMPORAL_TLS_CLIENT_KEY_PATH"];
const SERVER_NAME: [&str; 2] = ["OSTRO_TLS_SERVER_NAME", "TEMPORAL_TLS_SERVER_NAME"];
const PLAIN_TEXT_KEY: [&str; 1] = ["OSTRO_PLAIN_TEXT_KEY"];

/// Keys and TLS of a connection.
#[derive(Clone, Default)]
pub struct Access {
    /// Sent with each call.
    pub api_key: Option<String>,
    /// Whether TLS is spoken; `None`: where the address, a file below or a key to another machine asks for it.
    pub tls: Option<bool>,
    /// The authority of the server's certificate (PEM); `None`: those that this machine trusts.
    pub ca: Option<Vec<u8>>,
    /// A certificate of the program's own and its private key (PEM).
    pub identity: Option<CertificateAndKey>,
    /// The name in the server's certificate, where it is not the address's host.
    pub server_name: Option<String>,
    /// The key may leave over plain text to a host that is not this machine.
    pub plain_text_key: bool,
}

impl fmt::Debug for Access {
    /// Without its secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("has_api_key", &self.api_key.is_some())
            .field("tls", &self.tls)
            .field("has_ca", &self.ca.is_some())
            .field("has_identity", &self.identity.is_some())
            .field("server_name", &self.server_name)
            .field("plain_text_key", &self.plain_text_key)
            .finish()
    }
}

/// Why a server is not spoken to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// A file that cannot be read.
    #[error("cannot read {path}, which {variable} names: {reason}")]
    File {
        /// The file.
        path: String,
        /// The variable or option that names it.
        variable: String,
        /// What the operating system says.
        reason: String,
    },
    /// A flag that is neither true nor false.
    #[error("{variable}={text:?} is neither true nor false")]
    Flag {
        /// The variable.
        variable: String,
        /// Its value.
        text: String,
    },
    /// Half of a certificate.
    #[error("{given} is given and {missing} is not: a certificate and its private key go together")]
    Half {
        /// What is there.
        given: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// The key would leave in plain text.
    #[error(
        "the API key would go to {host} over plain text, where anyone on the way can read it: speak TLS (https://, OSTRO_TLS=true), \
         or set OSTRO_PLAIN_TEXT_KEY=true if the network is your own"
    )]
    PlainTextKey {
        /// Where it would go.
        host: String,
    },
    /// TLS is refused and asked for at once.
    #[error("OSTRO_TLS=false, and {address} or a TLS file asks for TLS: leave one of them out")]
    Contradiction {
        /// The address.
        address: String,
    },
}

impl Access {
    /// What the environment says.
    ///
    /// # Errors
    /// A file cannot be read, a flag is none, half of a certificate is missing.
    pub fn from_env() -> Result<Self, AccessError> {
        let file = |names: &[&str]| variable(names).map(|(name, path)| read(&path, &name)).transpose();
        let text = |names: &[&str]| variable(names).map(|(_, text)| text);
        Ok(Self {
            api_key: text(&API_KEY),
            tls: flag(&TLS)?,
            ca: file(&CA)?,
            identity: pair(file(&CERT)?, file(&KEY)?)?,
            server_name: text(&SERVER_NAME),
            plain_text_key: flag(&PLAIN_TEXT_KEY)?.unwrap_or(false),
        })
    }

    /// The URL to connect to, and TLS where it is spoken.
    ///
    /// # Errors
    /// A key would leave over plain text; TLS is refused and asked for.
    pub fn to(&self, url: &Url) -> Result<(Url, Option<TlsOptions>), AccessError> {
        let is_asked =
            url.scheme() == "https" || self.ca.is_some() || self.identity.is_some() || self.server_name.is_some();
        if self.tls == Some(false) && is_asked {
            return Err(AccessError::Contradiction { address: url.to_string() });
        }
        let is_far_key = self.api_key.is_some() && !is_this_machine(url) && !self.plain_text_key;
        let speaks_tls = self.tls.unwrap_or(is_asked || is_far_key);
        if is_far_key && !speaks_tls {
            return Err(AccessError::PlainTextKey { host: url.host_str().unwrap_or_default().to_owned() });
        }
        Ok((with_scheme(url, speaks_tls), speaks_tls.then(|| self.options())))
    }

    fn options(&self) -> TlsOptions {
        let own = self.identity.clone().map(|(certificate, key)| {
            ClientTlsOptions::builder().client_cert(certificate).client_private_key(key).build()
        });
        TlsOptions::builder()
            .maybe_server_root_ca_cert(self.ca.clone())
            .maybe_domain(self.server_name.clone())
            .maybe_client_tls_options(own)
            .build()
    }
}

/// A certificate and its key, each as PEM.
pub type CertificateAndKey = (Vec<u8>, Vec<u8>);

/// A certificate and its key, both or neither.
///
/// # Errors
/// One of them is missing.
pub fn pair(certificate: Option<Vec<u8>>, key: Option<Vec<u8>>) -> Result<Option<CertificateAndKey>, AccessError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(AccessError::Half { given: CERT[0], missing: KEY[0] }),
        (None, Some(_)) => Err(AccessError::Half { given: KEY[0], missing: CERT[0] }),
    }
}

/// The bytes of a file that `variable` names.
///
/// # Errors
/// It cannot be read.
pub fn read(path: impl AsRef<Path>, variable: &str) -> Result<Vec<u8>, AccessError> {
    let path = path.as_ref();
    std::fs::read(path).map_err(|error| AccessError::File {
        path: path.display().to_string(),
        variable: variable.to_owned(),
        reason: error.to_string(),
    })
}

/// Whether a URL's host is this machine: what goes there crosses no network.
pub fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
        None => false,
    }
}

/// What a connection that failed means, in a sentence that names the next step.
pub fn connection_sentence(address: &str, speaks_tls: bool, why: &str) -> String {
    let has = |signs: &[&str]| signs.iter().any(|sign| why.contains(sign));
    if has(&["certificate", "UnknownIssuer", "NotValidForName", "corrupt message", "fatal alert", "BadCertificate"]) {
        return format!(
            "no TLS with {address}: {why}; see OSTRO_TLS_CA, OSTRO_TLS_SERVER_NAME and, for a certificate of your own, OSTRO_TLS_CERT"
        );
    }
    if has(&["dns error", "failed to lookup"]) {
        return format!("nothing answers at {address}: there is no such host ({why}); see OSTRO_ADDRESS");
    }
    let is_refused =
        has(&["Connection refused", "connection refused", "within", "deadline", "timed out", "unreachable"]);
    if !is_refused
        && !speaks_tls
        && has(&["connection closed", "connection reset", "broken pipe", "h2 protocol", "http2 error"])
    {
        return format!("{address} does not speak plain text: use https:// or OSTRO_TLS=true ({why})");
    }
    if has(&["Unauthenticated", "Unauthorized", "API key"]) {
        return format!("{address} does not take this program: {why}; see OSTRO_API_KEY");
    }
    format!(
        "nothing answers at {address} ({why}): start a server there (`ostro dev`), or unset OSTRO_ADDRESS to run the engine in this process"
    )
}

fn with_scheme(url: &Url, speaks_tls: bool) -> Url {
    let mut url = url.clone();
    let port = url.port_or_known_default();
    if speaks_tls && url.scheme() == "http" && url.set_scheme("https").is_ok() {
        // `http://host` without a port means 80, and goes on meaning it.
        let _ = url.set_port(port);
    }
    url
}

fn variable(names: &[&str]) -> Option<(String, String)> {
    names.iter().find_map(|name| {
        let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
        Some(((*name).to_owned(), text))
    })
}

fn flag(names: &[&str]) -> Result<Option<bool>, AccessError> {
    let Some((variable, text)) = variable(names) else { return Ok(None) };
    match text.to_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(Some(true)),
        "0" | "false" | "no" | "off" => Ok(Some(false)),
        _ => Err(AccessError::Flag { variable, text }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn to(address: &str, access: &Access) -> Result<(String, bool), AccessError> {
        let url = Url::parse(address).unwrap();
        access.to(&url).map(|(url, tls)| (url.to_string(), tls.is_some()))
    }

    fn with_key() -> Access {
        Access { api_key: Some("key".to_owned()), ..Access::default() }
    }

    #[test]
    fn a_key_leaves_over_tls_or_to_this_machine() {
        for here in ["http://localhost:7233/", "http://127.0.0.2:7233/", "http://[::1]:7233/", "http://a.localhost:1/"]
        {
            assert_eq!(to(here, &with_key()).unwrap(), (here.to_owned(), false), "{here}");
        }
        for far in
            ["http://10.0.0.1:7233", "http://ostro.example:7233", "http://localhost.example:1", "http://0.0.0.0:1"]
        {
            let (url, speaks_tls) = to(far, &with_key()).unwrap();
            assert!(speaks_tls && url.starts_with("https://"), "{far}: {url}");
            let refused = to(far, &Access { tls: Some(false), ..with_key() }).unwrap_err();
            assert!(refused.to_string().contains("over plain text"), "{refused}");
            let told = Access { tls: Some(false), plain_text_key: true, ..with_key() };
            assert!(!to(far, &told).unwrap().1, "{far}");
        }
    }

    #[test]
    fn tls_is_spoken_with_host_and_port_too() {
        let tls = Access { tls: Some(true), ..Access::default() };
        assert_eq!(to("http://h:7233", &tls).unwrap(), ("https://h:7233/".to_owned(), true));
        assert_eq!(to("http://h:7233", &Access::default()).unwrap(), ("http://h:7233/".to_owned(), false));
        assert_eq!(to("https://h:7233", &Access::default()).unwrap(), ("https://h:7233/".to_owned(), true));
        let with_authority = Access { ca: Some(Vec::new()), ..Access::default() };
        assert!(to("http://h:7233", &with_authority).unwrap().1);
        let refused = to("https://h:7233", &Access { tls: Some(false), ..Access::default() }).unwrap_err();
        assert!(refused.to_string().contains("leave one of them out"), "{refused}");
    }

    #[test]
    fn half_a_certificate_names_the_other_half() {
        assert!(pair(Some(Vec::new()), None).unwrap_err().to_string().contains("OSTRO_TLS_KEY is not"));
        assert!(pair(None, Some(Vec::new())).unwrap_err().to_string().contains("OSTRO_TLS_CERT is not"));
    }

    #[test]
    fn a_connection_that_fails_says_what_to_do() {
        for (why, speaks_tls, said) in [
            ("tcp connect error: Connection refused (os error 111)", false, "start a server there (`ostro dev`)"),
            ("dns error: failed to lookup address", false, "there is no such host"),
            ("invalid peer certificate: UnknownIssuer", true, "OSTRO_TLS_CA"),
            ("received fatal alert: DecodeError", false, "no TLS with"),
            ("h2 protocol error: connection reset", false, "OSTRO_TLS=true"),
            ("not within 10 s", false, "start a server there"),
        ] {
            let text = connection_sentence("h:7233", speaks_tls, why);
            assert!(text.contains(said) && text.contains("h:7233") && text.contains(why), "{text}");
        }
    }
}
