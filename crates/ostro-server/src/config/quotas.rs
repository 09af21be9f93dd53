//! The tables `[quotas.NAMESPACE]`, and `[quotas."*"]` for every namespace that has none.

use ostro_engine::quota::{Quota, Quotas};
use toml::Value;

use super::human::{self, Parsed};

/// Every key of a quota.
pub(super) const KEYS: &[&str] =
    &["executions_open_max", "history_bytes_max", "requests_per_second", "records_bytes_max"];

/// Sets `key`, which is one of [`KEYS`].
pub(super) fn set(quota: &mut Quota, key: &str, value: &Value) -> Parsed<()> {
    match key {
        "executions_open_max" => quota.executions_open_max = Some(human::count(value)?),
        "history_bytes_max" => quota.history_bytes_max = Some(human::size(value)?),
        "records_bytes_max" => quota.records_bytes_max = Some(human::size(value)?),
        _ => quota.requests_per_second = Some(rate(value)?),
    }
    Ok(())
}

fn rate(value: &Value) -> Parsed<f64> {
    let rate = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
    rate.filter(|rate| rate.is_finite() && *rate > 0.0).ok_or("a number of more than 0, such as 100 or 0.5")
}

/// The quotas of records, of every namespace and of single ones.
pub(super) fn of_records(quotas: &Quotas) -> (Option<u64>, Vec<(String, u64)>) {
    let named = quotas.named().filter_map(|(name, quota)| Some((name.to_owned(), quota.records_bytes_max?)));
    (quotas.of("*").records_bytes_max, named.filter(|(name, _)| name != ostro_engine::quota::EVERY_NAMESPACE).collect())
}
