//! The binary `ostro`: the server (`dev`, `serve`) and a command line for any Temporal-compatible server.

mod arguments;
mod commands;
mod duration;
mod failure;
mod output;
mod payload;
mod serve;
mod session;
mod table;
mod timestamp;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use arguments::Arguments;
use ostro_explain::printable;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    commands::run(Arguments::parse_from(arguments::test_server::expand(std::env::args_os())))
}
