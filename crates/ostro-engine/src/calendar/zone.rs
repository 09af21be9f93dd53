//! Time zones by name, from the database that is compiled in: the same on every machine.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The zone of an IANA name, upper and lower case as the database writes it; the empty name is UTC.
pub fn find(name: &str) -> Option<TimeZone> {
    if name.is_empty() || name == "UTC" {
        return Some(TimeZone::UTC);
    }
    DATABASE.get(name).ok().filter(|zone| zone.iana_name() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn zones_by_their_exact_name() {
        for name in ["", "UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"] {
            assert!(find(name).is_some(), "{name}");
        }
        for name in ["europe/berlin", "Mars/Base"] {
            assert!(find(name).is_none(), "{name}");
        }
    }
}
