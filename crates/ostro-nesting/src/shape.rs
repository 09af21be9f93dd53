//! Where in a message failures lie.

use shapes::ALL;

/// The fields of a message in which failures are, however deep.
#[derive(Debug)]
pub struct Shape {
    /// By number; fields without a failure are left out.
    pub fields: &'static [(u32, Next)],
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Next {
    /// The message again: the cause of a failure.
    Itself,
    Message(&'static Shape),
    /// A message that names itself.
    Any,
}

impl Shape {
    pub(crate) fn field(&self, number: u32) -> Option<Next> {
        self.fields.iter().find(|(of, _)| *of == number).map(|(_, next)| *next)
    }
}

/// The shape of the message of the protocol with this full name; `None` where no failure can be in it.
pub const fn shape_of(name: &str) -> Option<&'static Shape> {
    let mut at = 0;
    while at < ALL.len() {
        if is_same(ALL[at].0.as_bytes(), name.as_bytes()) {
            return Some(ALL[at].1);
        }
        at += 1;
    }
    None
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The shape of the message that an `Any` names by its URL.
pub(crate) fn shape_of_url(url: &[u8]) -> Option<&'static Shape> {
    let name = std::str::from_utf8(url).ok()?.rsplit('/').next()?;
    let at = ALL.binary_search_by_key(&name, |(full, _)| full).ok()?;
    Some(ALL[at].1)
}

/// One for each message of the protocol in which a failure is.
#[allow(dead_code)]
pub mod shapes {
    use super::{Next, Shape};

    include!(concat!(env!("OUT_DIR"), "/shapes.rs"));
}
