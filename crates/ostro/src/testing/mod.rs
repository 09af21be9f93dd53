//! Testing workflows: an engine of their own, activities replaced, histories replayed.

mod environment;
mod mocks;
mod replay;

pub use environment::TestEnvironment;
pub use mocks::{Mock, MockCalls};
pub use replay::replay;

pub(crate) use mocks::Mocks;
