//! OpenTelemetry as it is kept and shown.

pub(crate) mod log;

pub(crate) mod metric;

pub(crate) mod span;

pub(crate) mod value;
