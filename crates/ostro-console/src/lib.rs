//! The console: pages over any `WorkflowService`.
//!
//! ```text
//!  browser ── HTTP ──▶ routes ──▶ page/    reads, and shows        ──┐
//!                        │        action/  changes, by forms         │
//!                        │                                           ▼
//!                        └──────▶ door/    who asks: cookie, key, token of a form; the guard before each call ──▶ Caller
//! ```
//!
//! Every control is a link or a form; the scripts add live updates, keys and the like. The sentences on what waits are
//! `ostro-explain`'s. Whatever an execution contains is text: templates escape it, and [`shown`] spells out what would hide or
//! reorder it.

mod action;
mod answer;
mod assets;
mod door;
mod fold;
mod form;
mod layout;
mod link;
mod moment;
mod page;
mod payload;
mod routes;
mod run;
mod shown;

pub use door::{Console, Settings};
pub use routes::router;
