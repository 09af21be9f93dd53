//! The server's log lines: one event a line, whatever callers have put into it.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;

use super::Failure;
use crate::arguments::LogFormat;
use crate::printable;

/// Writes log lines to standard error from here on; `level` as in `info,ostro_server=debug`.
pub(super) fn start(format: LogFormat, level: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(level)
        .map_err(|error| Failure::LogLevel { level: level.to_owned(), reason: error.to_string() })?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        LogFormat::Pretty => {
            // What a value says stays on its line, and has no colours of its own.
            let fields = debug_fn(|writer, field, value| {
                let value = format!("{value:?}");
                let value = printable::line(&value);
                match field.name() {
                    "message" => write!(writer, "{value}"),
                    name => write!(writer, "{name}={value}"),
                }
            });
            let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
            logs.fmt_fields(fields.delimited(" ")).with_ansi(colours).with_writer(io::stderr).init();
        }
        LogFormat::Json => logs.json().with_writer(Printable).init(),
    }
    Ok(())
}

/// Standard error without what a terminal would obey.
struct Printable;

impl<'w> MakeWriter<'w> for Printable {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        Self
    }
}

impl Write for Printable {
    /// Takes whole lines: the logger writes each event at once.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(printable::text(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
