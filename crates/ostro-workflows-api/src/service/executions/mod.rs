//! Executions: start, speak to, stop.

pub(crate) mod find;

pub(crate) mod handlers;

pub(crate) mod records;

pub(crate) mod reset;

pub(crate) mod result;

pub(crate) mod start;

pub(crate) mod stop;

#[cfg(test)]
mod tests;
