//! From a TOML table to the configuration, key by key.

use std::net::SocketAddr;
use std::path::PathBuf;

use ostro_engine::quota::Quota;
use ostro_engine::time::Span;
use ostro_wire::TlsFiles;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;
use toml::{Table, Value};

use super::human::{self, Parsed};
use super::nearest::nearest;
use super::{
    BeginsWithNothing, Config, Error, NamespaceConfig, NexusCallers, RETENTION_DEFAULT, limits, network, quotas,
};

const KEYS: &[&str] = &[
    "listen",
    "http_listen",
    "public_url",
    "allowed_hosts",
    "nexus",
    "tls",
    "data",
    "data_exists",
    "durable",
    "console",
    "log_level",
    "retention_interval",
    "records_retention",
    "readers",
    "read_timeout",
    "reads_waiting_max",
    "namespaces",
    "search_attributes",
    "limits",
    "network",
    "quotas",
];
const NAMESPACE_KEYS: &[&str] = &["name", "retention"];
const TLS_KEYS: &[&str] = &["certificate", "key", "client_ca"];
const HOSTS_WANTED: &str = "a list of names such as [\"ostro.example.com\"]";
const ADDRESS_WANTED: &str = "an address such as \"127.0.0.1:7233\"";

pub(super) fn read(config: &mut Config, table: &Table) -> Result<(), Error> {
    for (key, value) in table {
        match key.as_str() {
            "listen" => config.listen = Some(at(key, value, address(value))?),
            "http_listen" => config.http_listen = at(key, value, address_or_off(value))?,
            "public_url" => config.public_url = Some(at(key, value, web_address(value))?),
            "allowed_hosts" => config.allowed_hosts = texts(key, value, HOSTS_WANTED)?,
            "nexus" => config.nexus_callers = nexus(value)?,
            "tls" => config.tls = Some(tls(value)?),
            "data" => config.data = at(key, value, text(value, "a directory"))?.into(),
            "data_exists" => {
                let exists = at(key, value, value.as_bool().ok_or("true or false"))?;
                config.begins_with_nothing =
                    if exists { BeginsWithNothing::Never } else { BeginsWithNothing::UnlessDataIsGone };
            }
            "durable" => config.durable = at(key, value, value.as_bool().ok_or("true or false"))?,
            "console" => config.console = at(key, value, value.as_bool().ok_or("true or false"))?,
            "log_level" => config.log_level = at(key, value, text(value, "a level such as \"info\""))?.to_owned(),
            "retention_interval" => config.retention_interval = at(key, value, human::span(value))?,
            "records_retention" => config.records_retention = at(key, value, span_or_namespace(value))?,
            "readers" => config.readers = at(key, value, human::count(value))?.clamp(1, 64) as usize,
            "read_timeout" => config.read_timeout = at(key, value, human::span(value))?,
            "reads_waiting_max" => config.reads_waiting_max = at(key, value, human::count(value))?.min(10_000) as usize,
            "namespaces" => config.namespaces = namespaces(value)?,
            "search_attributes" => config.search_attributes = search_attributes(value)?,
            "limits" => read_limits(config, value)?,
            "network" => read_network(config, value)?,
            "quotas" => read_quotas(config, value)?,
            _ => return Err(unknown(key, KEYS)),
        }
    }
    Ok(())
}

fn read_limits(config: &mut Config, value: &Value) -> Result<(), Error> {
    for (key, value) in at("limits", value, value.as_table().ok_or("a table"))? {
        if !limits::KEYS.contains(&key.as_str()) {
            return Err(unknown(key, limits::KEYS));
        }
        at(&format!("limits.{key}"), value, limits::set(&mut config.limits, key, value))?;
    }
    Ok(())
}

fn nexus(value: &Value) -> Result<NexusCallers, Error> {
    let table = at("nexus", value, value.as_table().ok_or("a table with the callers of endpoints: [nexus.callers]"))?;
    if let Some(key) = table.keys().find(|key| *key != "callers") {
        return Err(unknown(&format!("nexus.{key}"), &["nexus.callers"]));
    }
    let Some(value) = table.get("callers") else { return Ok(NexusCallers::new()) };
    let callers = at("nexus.callers", value, value.as_table().ok_or("a table: endpoint = [\"namespace\"]"))?;
    let named = |(endpoint, value): (&String, &Value)| {
        Ok((endpoint.clone(), texts(&format!("nexus.callers.{endpoint}"), value, "a list of namespaces")?))
    };
    callers.iter().map(named).collect()
}

fn texts(key: &str, value: &Value, wanted: &'static str) -> Result<Vec<String>, Error> {
    let list = at(key, value, value.as_array().ok_or(wanted))?;
    list.iter().map(|value| at(key, value, text(value, wanted)).map(str::to_owned)).collect()
}

fn read_network(config: &mut Config, value: &Value) -> Result<(), Error> {
    for (key, value) in at("network", value, value.as_table().ok_or("a table"))? {
        if !network::KEYS.contains(&key.as_str()) {
            return Err(unknown(key, network::KEYS));
        }
        at(&format!("network.{key}"), value, network::set(&mut config.network, key, value))?;
    }
    Ok(())
}

fn read_quotas(config: &mut Config, value: &Value) -> Result<(), Error> {
    let wanted = "tables, each of a namespace: [quotas.default], or [quotas.\"*\"]";
    for (namespace, table) in at("quotas", value, value.as_table().ok_or(wanted))? {
        let mut quota = Quota::default();
        for (key, value) in at(&format!("quotas.{namespace}"), table, table.as_table().ok_or(wanted))? {
            if !quotas::KEYS.contains(&key.as_str()) {
                return Err(unknown(key, quotas::KEYS));
            }
            at(&format!("quotas.{namespace}.{key}"), value, quotas::set(&mut quota, key, value))?;
        }
        config.limits.quotas.set(namespace, quota);
    }
    Ok(())
}

fn tls(value: &Value) -> Result<TlsFiles, Error> {
    let wanted = "a table with a certificate and its key: [tls]";
    let table = at("tls", value, value.as_table().ok_or(wanted))?;
    if let Some(key) = table.keys().find(|key| !TLS_KEYS.contains(&key.as_str())) {
        return Err(unknown(key, TLS_KEYS));
    }
    let none = Value::String(String::new());
    let file = |name: &str, value: &Value| at(&format!("tls.{name}"), value, text(value, "a file")).map(PathBuf::from);
    let needed = |name: &str| file(name, table.get(name).unwrap_or(&none));
    let client_ca = table.get("client_ca").map(|value| file("client_ca", value)).transpose()?;
    Ok(TlsFiles { certificate: needed("certificate")?, key: needed("key")?, client_ca })
}

fn namespaces(value: &Value) -> Result<Vec<NamespaceConfig>, Error> {
    let wanted = "a list of tables, each with a name: [[namespaces]]";
    let list = at("namespaces", value, value.as_array().ok_or(wanted))?;
    list.iter().map(|value| namespace(at("namespaces", value, value.as_table().ok_or(wanted))?)).collect()
}

fn namespace(table: &Table) -> Result<NamespaceConfig, Error> {
    if let Some(key) = table.keys().find(|key| !NAMESPACE_KEYS.contains(&key.as_str())) {
        return Err(unknown(key, NAMESPACE_KEYS));
    }
    let none = Value::String(String::new());
    let name = table.get("name").unwrap_or(&none);
    let retention = match table.get("retention") {
        Some(value) => at("namespaces.retention", value, human::span(value))?,
        None => RETENTION_DEFAULT,
    };
    Ok(NamespaceConfig { name: at("namespaces.name", name, text(name, "a name"))?.to_owned(), retention })
}

fn search_attributes(value: &Value) -> Result<Vec<(String, IndexedValueType)>, Error> {
    let table = at("search_attributes", value, value.as_table().ok_or("a table: Name = \"Keyword\""))?;
    table.iter().map(|(name, kind)| Ok((name.clone(), at(name, kind, value_type(kind))?))).collect()
}

fn value_type(value: &Value) -> Parsed<IndexedValueType> {
    match value.as_str() {
        Some("Text") => Ok(IndexedValueType::Text),
        Some("Keyword") => Ok(IndexedValueType::Keyword),
        Some("Int") => Ok(IndexedValueType::Int),
        Some("Double") => Ok(IndexedValueType::Double),
        Some("Bool") => Ok(IndexedValueType::Bool),
        Some("Datetime") => Ok(IndexedValueType::Datetime),
        Some("KeywordList") => Ok(IndexedValueType::KeywordList),
        _ => Err("Text, Keyword, Int, Double, Bool, Datetime or KeywordList"),
    }
}

fn address(value: &Value) -> Parsed<SocketAddr> {
    value.as_str().and_then(|text| text.parse().ok()).ok_or(ADDRESS_WANTED)
}

fn address_or_off(value: &Value) -> Parsed<Option<SocketAddr>> {
    if value.as_str() == Some("off") {
        return Ok(None);
    }
    address(value).map(Some).map_err(|_| "an address such as \"127.0.0.1:8233\", or \"off\"")
}

fn web_address(value: &Value) -> Parsed<String> {
    let address = value.as_str().filter(|text| text.starts_with("http://") || text.starts_with("https://"));
    address.map(|text| text.trim_end_matches('/').to_owned()).ok_or("an address such as \"https://ostro.example.com\"")
}

fn span_or_namespace(value: &Value) -> Parsed<Option<Span>> {
    if value.as_str() == Some("namespace") {
        return Ok(None);
    }
    human::span(value).map(Some).map_err(|_| "a duration such as \"30d\", or \"namespace\"")
}

fn text<'a>(value: &'a Value, wanted: &'static str) -> Parsed<&'a str> {
    value.as_str().filter(|text| !text.is_empty()).ok_or(wanted)
}

/// Says at which key a value was not usable.
fn at<T>(key: &str, value: &Value, parsed: Parsed<T>) -> Result<T, Error> {
    parsed.map_err(|wanted| Error::Value { key: key.to_owned(), found: shown(value), wanted })
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        other => format!("a {}", other.type_str()),
    }
}

fn unknown(key: &str, known: &[&'static str]) -> Error {
    Error::UnknownKey { key: key.to_owned(), nearest: nearest(key, known) }
}
