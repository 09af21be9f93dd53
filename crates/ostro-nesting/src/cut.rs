//! Cuts chains of failures in encoded messages.

use crate::fields::{fields, write};
use crate::shape::shape_of_url;
use crate::{CAUSES_MAX, Next, Shape};

/// The field of a failure's message, in each kind of failure.
const MESSAGE: u32 = 1;
/// The fields of an `Any`.
const TYPE_URL: u32 = 1;
const VALUE: u32 = 2;
/// How deep is looked: a chain of causes and more around it than the protocol has. Only an `Any` in an `Any`, and so on, is deeper: no
/// decoder follows it, and neither do we.
const LEVELS_MAX: usize = CAUSES_MAX + 40;

/// `message`, which has this shape, with all chains of failures cut that have more than [`CAUSES_MAX`] causes; `None` where there is none.
///
/// Bytes that are no message stay as they are.
pub fn cut(shape: &Shape, message: &[u8]) -> Option<Vec<u8>> {
    let whole = Inner { view: View::Of(shape), bytes: message, causes: 0, level: 0 };
    whole.is_too_deep().then(|| whole.shortened())
}

/// What is said of a chain that was cut, at the end of the message of its last failure.
pub(crate) fn mark(cut: usize) -> String {
    let (causes, were) = if cut == 1 { ("cause", "was") } else { ("causes", "were") };
    format!(" [{cut} more {causes} {were} left out here: a failure has at most {CAUSES_MAX}]")
}

/// What is known of the fields of a message.
#[derive(Clone, Copy)]
enum View<'a> {
    Of(&'a Shape),
    /// An `Any`, and what is known of the message in it.
    Any(Option<&'static Shape>),
}

impl<'a> View<'a> {
    fn of_any(bytes: &[u8]) -> Self {
        let url = fields(bytes).filter(|field| field.number == TYPE_URL).last().and_then(|field| field.body);
        View::Any(url.and_then(shape_of_url))
    }

    fn field(self, number: u32) -> Option<Next> {
        match self {
            View::Of(shape) => shape.field(number),
            View::Any(inner) => inner.filter(|_| number == VALUE).map(Next::Message),
        }
    }
}

/// A message somewhere within the whole.
#[derive(Clone, Copy)]
struct Inner<'a> {
    view: View<'a>,
    bytes: &'a [u8],
    /// How many failures have it as their cause, one after the other.
    causes: usize,
    level: usize,
}

impl<'a> Inner<'a> {
    /// What the field `number` of this message holds, where failures may be in it.
    fn inner(&self, number: u32, body: Option<&'a [u8]>) -> Option<Inner<'a>> {
        let next = self.view.field(number)?;
        let (bytes, level) = (body?, self.level + 1);
        let view = match next {
            Next::Itself => return Some(Inner { bytes, level, causes: self.causes + 1, ..*self }),
            Next::Message(shape) => View::Of(shape),
            Next::Any => View::of_any(bytes),
        };
        (level < LEVELS_MAX).then_some(Inner { view, bytes, causes: 0, level })
    }

    fn is_too_deep(&self) -> bool {
        self.causes > CAUSES_MAX
            || fields(self.bytes)
                .filter_map(|field| self.inner(field.number, field.body))
                .any(|inner| inner.is_too_deep())
    }

    fn shortened(&self) -> Vec<u8> {
        let mut kept = Vec::with_capacity(self.bytes.len());
        let (mut message, mut cut) = (&b""[..], 0);
        let mut all = fields(self.bytes);
        for field in &mut all {
            match self.inner(field.number, field.body) {
                Some(cause) if cause.causes > CAUSES_MAX => cut = cut.max(cause.chain()),
                Some(inner) => write(field.number, &inner.shortened(), &mut kept),
                None => kept.extend_from_slice(field.whole),
            }
            if field.number == MESSAGE {
                message = field.body.unwrap_or_default();
            }
        }
        kept.extend_from_slice(all.rest());
        if cut > 0 {
            // The last of several values of a field is the one that counts.
            write(MESSAGE, &[message, mark(cut).as_bytes()].concat(), &mut kept);
        }
        kept
    }

    /// How many failures follow one another from here on, this one included. In a loop: nothing bounds their number.
    fn chain(self) -> usize {
        let mut length = 1;
        let mut last = self;
        let cause = |of: &Inner<'a>| {
            let causes = fields(of.bytes).filter_map(|field| of.inner(field.number, field.body));
            causes.filter(|inner| inner.causes > of.causes).last()
        };
        while let Some(next) = cause(&last) {
            (length, last) = (length + 1, next);
        }
        length
    }
}
