//! Namespaces and their search attributes.
use super::super::Engine;
use crate::command::{Answer, Command};
use crate::persistence::Loader;
impl<L: Loader> Engine<L> { pub(super) fn namespace_call(&mut self, _c: Command) -> crate::error::Result<Option<Answer>> { Ok(None) } }
