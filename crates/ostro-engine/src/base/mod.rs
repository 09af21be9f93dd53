//! What everything stands on: errors, time, identifiers, tokens and their seals, small grammars.

pub mod error;
pub mod go_duration;
pub mod ids;
pub mod nesting;
pub mod rfc3339;
pub mod seal;
pub mod time;
pub mod token;
pub mod version;
