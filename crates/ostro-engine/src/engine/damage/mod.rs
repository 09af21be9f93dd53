//! Damaged rows: what they belong to is set aside, or rebuilt.

pub(crate) mod rebuild_stored;
pub(crate) mod set_aside;
