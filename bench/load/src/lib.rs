//! What the load driver and the counted hot path share: the messages of a worker that does next to nothing.

pub mod messages;
