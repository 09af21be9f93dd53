//! Parts of a run that wait for something outside of it: timers, children, signals and cancellations of others.

pub(crate) mod child;
pub(crate) mod external;
pub(crate) mod held;
pub(crate) mod lost;
pub(crate) mod timer;
