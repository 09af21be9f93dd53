//! The `grpc-timeout` header.

use std::time::Duration;

use http::HeaderMap;

/// Name of the header in which a gRPC caller says how long it waits.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The caller's patience: at most eight digits and a unit (`H M S m u n`). `None` when absent or malformed, as tonic does.
pub fn parse(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_malformed_values() {
        let table = [
            ("2H", Some(Duration::from_secs(7200))),
            ("3M", Some(Duration::from_secs(180))),
            ("70S", Some(Duration::from_secs(70))),
            ("1500m", Some(Duration::from_millis(1500))),
            ("99999999u", Some(Duration::from_micros(99_999_999))),
            ("5n", Some(Duration::from_nanos(5))),
            ("123456789S", None),
            ("S", None),
            ("+5S", None),
            ("5", None),
            ("5x", None),
            ("", None),
        ];
        for (value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(GRPC_TIMEOUT, value.parse().expect("a header value"));
            assert_eq!(parse(&headers), expected, "{value:?}");
        }
        assert_eq!(parse(&HeaderMap::new()), None);
    }
}
