//! What the arguments of `temporal server start-dev` mean here.

use ostro_server::Config;

use super::{Failure, NAMESPACE_DEFAULT, Settings};
use crate::arguments::{ServerAccess, StartDevArguments};

impl Settings {
    pub(super) fn of_start_dev(arguments: StartDevArguments) -> Result<Self, Failure> {
        let (data, ephemeral) = match &arguments.db_filename {
            Some(path) => (path.clone(), None),
            None => {
                let directory = std::env::temp_dir().join(format!("ostro-{}", uuid::Uuid::new_v4()));
                (directory.clone(), Some(directory))
            }
        };
        let mut config = Config {
            data,
            durable: ephemeral.is_none(),
            listen: Some(arguments.listen()),
            http_listen: arguments.http_listen(),
            log_level: log_level(&arguments.log_level).to_owned(),
            ..Config::default()
        };
        arguments.namespaces.iter().for_each(|name| config.add_namespace(name));
        let attributes = arguments.search_attributes.iter().map(|(name, kind)| (name.clone(), (*kind).into()));
        config.search_attributes.extend(attributes);
        for (key, value) in &arguments.settings {
            set(&mut config, key, value)?;
        }
        Ok(Self {
            config,
            log_format: arguments.log_format,
            ephemeral,
            engine: None,
            namespace: arguments.namespaces.first().map_or(NAMESPACE_DEFAULT, String::as_str).to_owned(),
            access: ServerAccess::Auto,
            advertise: None,
            open: false,
        })
    }
}

/// Takes over a limit; every other key switches on what is always there, or tunes what is not.
fn set(config: &mut Config, key: &str, value: &str) -> Result<(), Failure> {
    let limits = &mut config.limits;
    let wrong = || Failure::Setting { key: key.to_owned(), value: value.to_owned() };
    let number = || value.parse::<u32>().map_err(|_| wrong());
    match key {
        "limit.blobSize.error" => limits.blob_bytes_max = number()? as usize,
        "limit.blobSize.warn" => limits.blob_bytes_warn = number()? as usize,
        "limit.memoSize.error" => limits.memo_bytes_max = number()? as usize,
        "limit.maxIDLength" => limits.id_length_max = number()? as usize,
        "limit.historyCount.suggestContinueAsNew" => limits.history_count_suggest = number()?.into(),
        "limit.historySize.suggestContinueAsNew" => limits.history_bytes_suggest = number()?.into(),
        "limit.historyCount.error" => limits.history_count_max = number()?.into(),
        "limit.historySize.error" => limits.history_bytes_max = number()?.into(),
        _ => {}
    }
    Ok(())
}

/// The level in our words; Temporal's `never` is `off`.
fn log_level(level: &str) -> &str {
    if level == "never" { "off" } else { level }
}
