//! Rows: what the engine writes and reads back, and the order of their bytes.

pub mod batch;
pub mod deployment;
pub mod execution;
pub mod map_order;
pub mod persistence;
pub mod schedule;
