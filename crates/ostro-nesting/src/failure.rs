//! The same for a failure in memory.

use temporalio_protos::temporal::api::failure::v1::Failure;

use crate::CAUSES_MAX;
use crate::cut::mark;

/// Cuts the chain of causes of a failure after [`CAUSES_MAX`].
pub fn cut_failure(failure: &mut Failure) {
    let mut last = failure;
    for _ in 0..CAUSES_MAX {
        let Some(cause) = last.cause.as_deref_mut() else { return };
        last = cause;
    }
    // One after the other: a chain that drops as a whole recurses on the stack.
    let mut cut = 0;
    let mut rest = last.cause.take();
    while let Some(mut failure) = rest {
        rest = failure.cause.take();
        cut += 1;
    }
    if cut > 0 {
        last.message.push_str(&mark(cut));
    }
}
