//! The console as a server starts it.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::SystemTime;

use ostro_console::Console;
use ostro_wire::{BoxError, Caller, Throttle};
use ostro_workflows_api::Api;

use super::Settings;

/// The console over `engine`, unless it is switched off. Who may do what is what the API says.
///
/// # Errors
/// A system without random bytes.
pub(super) fn start(
    settings: &Settings,
    engine: Caller,
    api: &Api,
    throttle: Option<Arc<dyn Throttle>>,
) -> Result<Option<Arc<Console>>, BoxError> {
    if !settings.config.console {
        return Ok(None);
    }
    let of_console = ostro_console::Settings {
        namespace: settings.namespace.clone(),
        guard: Some(api.guard()),
        throttle,
        tls: settings.config.tls.is_some(),
        now: SystemTime::now,
        version: ostro_server::VERSION,
    };
    Ok(Some(Console::new(engine, of_console).map_err(|error| error.to_string())?))
}

/// Shows a page in the browser of whoever started the server; says where it is where there is none.
pub(super) fn open(address: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if command.spawn().is_err() {
        println!("No browser could be started ({program}): open {address}");
    }
}
