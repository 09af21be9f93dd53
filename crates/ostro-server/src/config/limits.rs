//! The table `[limits]`: each field of the engine's configuration by its name.

use ostro_engine::config::Config;
use toml::Value;

use super::human::{self, Parsed};

macro_rules! limits {
    ($($field:ident: $kind:ident,)*) => {
        /// Every key of `[limits]`.
        pub(super) const KEYS: &[&str] = &[$(stringify!($field)),*];

        /// Sets the limit `key`, which is one of [`KEYS`].
        pub(super) fn set(config: &mut Config, key: &str, value: &Value) -> Parsed<()> {
            match key {
                $(stringify!($field) => config.$field = convert(human::$kind(value)?)?,)*
                _ => {}
            }
            Ok(())
        }

        /// Whether all fields are here: a new one does not compile until it has its kind.
        #[allow(dead_code)]
        fn complete(config: Config) {
            let Config { quotas: _, $($field: _),* } = config;
        }
    };
}

limits! {
    blob_bytes_max: size,
    blob_bytes_warn: size,
    memo_bytes_max: size,
    id_length_max: count,
    history_count_suggest: count,
    history_bytes_suggest: size,
    history_count_max: count,
    history_bytes_max: size,
    pending_max: count,
    updates_in_flight_max: count,
    updates_total_max: count,
    signals_max: count,
    queries_max: count,
    workflow_task_timeout: span,
    workflow_task_timeout_max: span,
    workflow_task_retry_interval: span,
    workflow_task_retry_interval_max: span,
    workflow_task_heartbeat_max: span,
    workflow_task_attempts_failing: count,
    nexus_request_timeout: span,
    callback_addresses: addresses,
    sticky_poller_ttl: span,
    poll_timeout: span,
    long_poll_timeout: span,
    poll_deadline_margin: span,
    poller_history: span,
    activity_retry_interval: span,
    activity_retry_coefficient: factor,
    activity_retry_interval_max_factor: factor,
    retention: span,
    continue_as_new_interval_min: span,
    cache_bytes_max: size,
}

/// From what people write to what the engine keeps.
fn convert<F, T: TryFrom<F>>(from: F) -> Parsed<T> {
    T::try_from(from).map_err(|_| "a smaller number")
}
