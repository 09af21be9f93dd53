//! An execution in memory: what only lives there, its rows, its deadlines, its place in a queue.

pub(crate) mod counted;
pub(crate) mod deadlines;
pub(crate) mod live;
pub(crate) mod queue_position;
pub(crate) mod stored;
pub(crate) mod visibility;
