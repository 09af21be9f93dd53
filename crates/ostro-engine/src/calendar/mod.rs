//! When something recurs: cron strings, the specifications of schedules, time zones. Pure computation.

pub mod cron;
pub mod spec;
pub mod zone;
