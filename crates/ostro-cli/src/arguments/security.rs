//! TLS and API keys, of a connection and of the engine behind `ostro serve --engine`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use ostro_wire::{ClientTls, Target};

/// How a command proves who it is, and how it knows the server.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Connection")]
pub struct SecurityArguments {
    /// An API key (`ostro token create`), where the server wants one
    #[arg(long, global = true, env = "OSTRO_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub api_key: Option<String>,
    /// Speak TLS; implied by the flags about it
    #[arg(long, global = true, env = "OSTRO_TLS")]
    pub tls: bool,
    /// The authority of the server's certificate (PEM) [default: those that this machine trusts]
    #[arg(long, global = true, env = "OSTRO_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// A certificate of your own (PEM), where the server wants one
    #[arg(long, global = true, env = "OSTRO_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of your certificate (PEM)
    #[arg(long, global = true, env = "OSTRO_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// The name in the server's certificate, where it is not the address's host
    #[arg(long, global = true, env = "OSTRO_TLS_SERVER_NAME", value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Send the API key over plain text to another machine, on a network of your own
    #[arg(long, global = true, env = "OSTRO_PLAIN_TEXT_KEY")]
    pub plain_text_key: bool,
}

/// The same for the engine of `ostro serve --engine`.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Engine elsewhere")]
pub struct EngineArguments {
    /// Use the engine at this address, a Temporal cluster or another Ostro, instead of starting one: serves the HTTP API only
    #[arg(long, env = "OSTRO_ENGINE", value_parser = super::value::engine_address, value_name = "temporal://HOST:PORT")]
    pub engine: Option<String>,
    /// The API key that the engine wants
    #[arg(long, env = "OSTRO_ENGINE_API_KEY", hide_env_values = true, requires = "engine", value_name = "KEY")]
    pub engine_api_key: Option<String>,
    /// Speak TLS with the engine; implied by the flags about it
    #[arg(long, env = "OSTRO_ENGINE_TLS", requires = "engine")]
    pub engine_tls: bool,
    /// The authority of the engine's certificate (PEM) [default: those that this machine trusts]
    #[arg(long, env = "OSTRO_ENGINE_TLS_CA", requires = "engine", value_name = "FILE")]
    pub engine_tls_ca: Option<PathBuf>,
    /// A certificate of your own (PEM), where the engine wants one
    #[arg(long, env = "OSTRO_ENGINE_TLS_CERT", requires = "engine_tls_key", value_name = "FILE")]
    pub engine_tls_cert: Option<PathBuf>,
    /// The private key of that certificate (PEM)
    #[arg(long, env = "OSTRO_ENGINE_TLS_KEY", requires = "engine_tls_cert", value_name = "FILE")]
    pub engine_tls_key: Option<PathBuf>,
    /// The name in the engine's certificate, where it is not the address's host
    #[arg(long, env = "OSTRO_ENGINE_TLS_SERVER_NAME", requires = "engine", value_name = "NAME")]
    pub engine_tls_server_name: Option<String>,
    /// Send the engine's API key over plain text to another machine, on a network of your own
    #[arg(long, env = "OSTRO_ENGINE_PLAIN_TEXT_KEY", requires = "engine")]
    pub engine_plain_text_key: bool,
}

impl SecurityArguments {
    /// The server at `address`, spoken to as these say; fails on a file that cannot be read.
    pub fn target(&self, address: &str) -> Result<Target, String> {
        let tls = tls(self.tls, &self.tls_ca, (&self.tls_cert, &self.tls_key), &self.tls_server_name)?;
        let api_key = self.api_key.clone();
        let tls = tls.or_else(|| (!self.plain_text_key).then(|| for_a_key(address, api_key.as_deref())).flatten());
        Ok(Target { address: address.to_owned(), tls, api_key })
    }
}

impl EngineArguments {
    /// The engine elsewhere, if there is to be one; fails on a file that cannot be read.
    pub fn target(&self) -> Result<Option<Target>, String> {
        let Some(address) = self.engine.clone() else { return Ok(None) };
        let identity = (&self.engine_tls_cert, &self.engine_tls_key);
        let tls = tls(self.engine_tls, &self.engine_tls_ca, identity, &self.engine_tls_server_name)?;
        let api_key = self.engine_api_key.clone();
        let tls =
            tls.or_else(|| (!self.engine_plain_text_key).then(|| for_a_key(&address, api_key.as_deref())).flatten());
        Ok(Some(Target { address, tls, api_key }))
    }
}

/// TLS, where a key would otherwise go to another machine over plain text.
fn for_a_key(address: &str, api_key: Option<&str>) -> Option<ClientTls> {
    let place = address.split_once("://").map_or(address, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next(),
        None => place.split([':', '/']).next(),
    };
    let host = host.unwrap_or_default();
    let is_this_machine = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    (api_key.is_some() && !is_this_machine).then(ClientTls::default)
}

fn tls(
    wanted: bool,
    ca: &Option<PathBuf>,
    identity: (&Option<PathBuf>, &Option<PathBuf>),
    server_name: &Option<String>,
) -> Result<Option<ClientTls>, String> {
    let ca = ca.as_deref().map(read).transpose()?;
    let identity = match identity {
        (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
        _ => None,
    };
    let implied = ca.is_some() || identity.is_some() || server_name.is_some();
    Ok((wanted || implied).then(|| ClientTls { ca, identity, server_name: server_name.clone() }))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_goes_to_another_machine_over_tls_only() {
        let with_key = SecurityArguments { api_key: Some("key".to_owned()), ..SecurityArguments::default() };
        for (address, speaks_tls) in [
            ("localhost:7233", false),
            ("127.0.0.1:7233", false),
            ("[::1]:7233", false),
            ("http://localhost:7233", false),
            ("10.0.0.1:7233", true),
            ("http://ostro.example:7233", true),
            ("localhost.example:7233", true),
            ("[fe80::1]:7233", true),
        ] {
            assert_eq!(with_key.target(address).unwrap().tls.is_some(), speaks_tls, "{address}");
        }
        let told = SecurityArguments { plain_text_key: true, ..with_key };
        assert!(told.target("10.0.0.1:7233").unwrap().tls.is_none());
        assert!(SecurityArguments::default().target("10.0.0.1:7233").unwrap().tls.is_none());
    }
}
