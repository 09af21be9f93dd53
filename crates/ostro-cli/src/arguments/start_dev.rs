//! `ostro server start-dev`: the words by which SDKs and scripts start Temporal's development server.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::value::search_attribute;
use super::{AttributeType, LogFormat};

/// `ostro server ...`
#[derive(Subcommand, Debug)]
pub enum ServerGroup {
    /// Start a server with the arguments of `temporal server start-dev`; `ostro dev` has Ostro's own
    StartDev(StartDevArguments),
}

/// What `temporal server start-dev` takes. What concerns only its web interface is taken and does nothing.
#[derive(Args, Debug)]
pub struct StartDevArguments {
    /// Port of the gRPC interface
    #[arg(long, short, default_value_t = 7233)]
    pub port: u16,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1", value_parser = ip_address)]
    pub ip: IpAddr,
    /// Create this namespace if it is missing; may be repeated
    #[arg(long = "namespace", short, value_name = "NAME")]
    pub namespaces: Vec<String>,
    /// Keep the data here: a file where the name ends in .db, else a directory; without it nothing is kept
    #[arg(long, short = 'f', value_name = "PATH")]
    pub db_filename: Option<PathBuf>,
    /// Start no HTTP interface
    #[arg(long)]
    pub headless: bool,
    /// Port of the HTTP interface [default: 1000 above the gRPC one]
    #[arg(long, value_name = "PORT")]
    pub ui_port: Option<u16>,
    /// Address of the HTTP interface
    #[arg(long, value_parser = ip_address, value_name = "IP")]
    pub ui_ip: Option<IpAddr>,
    /// How log lines look: text, pretty or json
    #[arg(long, default_value = "pretty", value_parser = log_format)]
    pub log_format: LogFormat,
    /// Which log lines are written: debug, info, warn, error or never
    #[arg(long, default_value = "warn", value_name = "LEVEL")]
    pub log_level: String,
    /// A setting of Temporal's dynamic configuration: limits are taken over, what switches a feature on does nothing
    #[arg(long = "dynamic-config-value", value_parser = setting, value_name = "KEY=VALUE")]
    pub settings: Vec<(String, String)>,
    /// Register this search attribute, such as Customer=Keyword; may be repeated
    #[arg(long = "search-attribute", value_parser = search_attribute, value_name = "NAME=TYPE")]
    pub search_attributes: Vec<(String, AttributeType)>,
    #[arg(long, hide = true)]
    pub http_port: Option<u16>,
    #[arg(long, hide = true)]
    pub metrics_port: Option<u16>,
    #[arg(long, hide = true)]
    pub ui_asset_path: Option<String>,
    #[arg(long, hide = true)]
    pub ui_public_path: Option<String>,
    #[arg(long, hide = true)]
    pub ui_codec_endpoint: Option<String>,
    #[arg(long, hide = true)]
    pub sqlite_pragma: Vec<String>,
    #[arg(long, hide = true)]
    pub log_config: bool,
}

impl StartDevArguments {
    pub fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }

    /// Nothing where there is to be no HTTP interface.
    pub fn http_listen(&self) -> Option<SocketAddr> {
        let port = self.ui_port.unwrap_or_else(|| self.port.checked_add(1000).unwrap_or(0));
        (!self.headless).then(|| SocketAddr::new(self.ui_ip.unwrap_or(self.ip), port))
    }
}

fn ip_address(text: &str) -> Result<IpAddr, String> {
    match text {
        "localhost" => Ok(IpAddr::from([127, 0, 0, 1])),
        text => text.parse().map_err(|_| "give an IP address, such as 127.0.0.1".to_owned()),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" | "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        _ => Err("give text, pretty or json".to_owned()),
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("give key=value, such as limit.blobSize.error=2097152")?;
    Ok((key.to_owned(), value.to_owned()))
}
