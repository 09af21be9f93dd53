//! Times as the API writes them: RFC 3339 in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use prost_wkt_types::{Duration as ProtoDuration, Timestamp as ProtoTimestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

/// A moment, written `2026-11-23T20:00:00.123456Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// Now, by the system's clock.
    pub fn now() -> Self {
        Self(Timestamp::now())
    }

    /// The moment of a protobuf timestamp; `None` when it is outside of years -9999 to 9999.
    pub fn of(timestamp: &ProtoTimestamp) -> Option<Self> {
        Timestamp::new(timestamp.seconds, timestamp.nanos).ok().map(Self)
    }

    /// The same as a protobuf timestamp.
    pub fn proto(self) -> ProtoTimestamp {
        ProtoTimestamp { seconds: self.0.as_second(), nanos: self.0.subsec_nanosecond() }
    }

    /// Unix nanoseconds; clipped to what 64 bits hold (years 1678 to 2262).
    pub fn nanoseconds(self) -> i64 {
        let clipped = self.0.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into());
        i64::try_from(clipped).unwrap_or(i64::MAX)
    }

    /// The moment of Unix nanoseconds.
    pub fn of_nanoseconds(nanoseconds: i64) -> Self {
        Self(Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.6}", self.0))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Without an offset, as `datetime.isoformat()` writes a naive one, it is UTC.
        text.parse::<Timestamp>()
            .or_else(|error| format!("{text}Z").parse::<Timestamp>().map_err(|_| error))
            .map(Self)
            .map_err(|error| serde::de::Error::custom(format!("not an RFC 3339 time: {error}")))
    }
}

impl utoipa::ToSchema for Moment {}

impl utoipa::PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

/// Unix nanoseconds of now.
pub(crate) fn now_nanoseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// A protobuf duration of whole and fractional seconds; `None` for what is negative or too long for one.
pub(crate) fn proto_seconds(seconds: f64) -> Option<ProtoDuration> {
    let duration = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    let nanos = i32::try_from(duration.subsec_nanos()).ok()?;
    Some(ProtoDuration { seconds: i64::try_from(duration.as_secs()).ok()?, nanos })
}

/// Seconds of an ISO 8601 duration such as `PT1H` or `P1DT2H`; a day is 24 hours.
pub(crate) fn iso_seconds(text: &str) -> Option<f64> {
    let span: jiff::Span = text.parse().ok()?;
    span.total(jiff::SpanTotal::from(jiff::Unit::Second).days_are_24_hours()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_moments_are_read_as_the_clients_write_them() {
        assert_eq!(iso_seconds("PT1H"), Some(3600.0));
        assert_eq!(iso_seconds("P1DT2H"), Some(93_600.0));
        assert_eq!(iso_seconds("PT0.5S"), Some(0.5));
        assert_eq!(iso_seconds("an hour"), None);
        let moment: Moment = serde_json::from_str("\"2026-11-23T20:00:00\"").expect("naive is UTC");
        assert_eq!(serde_json::to_string(&moment).expect("serializes"), "\"2026-11-23T20:00:00.000000Z\"");
        assert!(serde_json::from_str::<Moment>("\"yesterday\"").is_err());
    }
}
