//! The page in the place of one that cannot be shown.

use askama::Template;

use crate::answer::{Answer, Failure, page_with};
use crate::door::{Console, Rights, Visitor};
use crate::layout::Layout;
use crate::shown;

#[derive(Template)]
#[template(path = "refused.html")]
struct Page {
    layout: Layout,
    heading: &'static str,
    said: String,
}

/// Says what went wrong and what to do.
pub(crate) fn show(console: &Console, visitor: &Visitor, failure: &Failure) -> Answer {
    let (status, heading, said) = failure.words();
    let nothing = Rights { read: false, operate: false, administer: false };
    let layout = Layout::bare(visitor, console, heading, nothing);
    page_with(status, &Page { layout, heading, said: shown::text(&said) })
}
