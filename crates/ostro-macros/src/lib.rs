//! `#[activity]` and `#[workflow]`: use them through the crate `ostro`, where they are documented.

mod activity;
mod arguments;
mod determinism;
mod handlers;
mod options;
mod workflow;

use proc_macro::TokenStream;

/// Makes a function an activity. Documented in `ostro::activity`.
#[proc_macro_attribute]
pub fn activity(options: TokenStream, item: TokenStream) -> TokenStream {
    activity::expand(options.into(), item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Makes a function or an `impl` block a workflow. Documented in `ostro::workflow`.
#[proc_macro_attribute]
pub fn workflow(options: TokenStream, item: TokenStream) -> TokenStream {
    workflow::expand(options.into(), item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}
