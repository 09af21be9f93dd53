//! What the API is about: data and what follows from it alone. No store, no engine, no HTTP.

pub(crate) mod access;

pub(crate) mod definition;

pub(crate) mod digest;

pub(crate) mod error;

pub(crate) mod event;

pub(crate) mod execution;

pub(crate) mod failure;

pub(crate) mod moment;

pub(crate) mod payload;

pub(crate) mod record;

pub(crate) mod registration;

pub(crate) mod schedule;

pub(crate) mod schema;

pub(crate) mod search_keys;

pub(crate) mod telemetry;
