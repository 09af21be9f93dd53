//! `ostro token`: API keys, straight in the records of a data directory, so that the first one needs no key.

use std::path::Path;
use std::process::ExitCode;

use ostro_workflows_api::auth::{self, Grant, KeyState};
use ostro_workflows_api::records::SqliteRecords;

use crate::arguments::{TokenArguments, TokenCommand};
use crate::printable;
use crate::serve::records_path;

/// Runs the command: exit code 0, or 1 after a line on standard error.
pub fn run(arguments: TokenArguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime
        .map_err(|error| format!("cannot start the runtime: {error}"))
        .and_then(|runtime| runtime.block_on(with_records(&arguments.data, arguments.command)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {}", printable::text(&message));
            ExitCode::FAILURE
        }
    }
}

async fn with_records(data: &Path, command: TokenCommand) -> Result<(), String> {
    let path = records_path(data);
    let made = path.parent().map(ostro_disk::private::make_directory).transpose();
    made.map_err(|error| format!("cannot use {}: {error}", data.display()))?;
    let records = SqliteRecords::open(&path, true).map_err(|error| error.to_string())?;
    let said = |error: auth::KeyFailure| error.to_string();
    match command {
        TokenCommand::Create { name, namespaces, role } => {
            let grants = namespaces.into_iter().map(|namespace| Grant { namespace, role }).collect();
            let (key, secret) = auth::create(&records, &name, grants).await.map_err(said)?;
            eprintln!("API key {} for {}; it is shown once:", key.id, printable::line(&name));
            println!("{secret}");
        }
        TokenCommand::List => {
            for key in auth::list(&records).await.map_err(said)? {
                let grants: Vec<String> =
                    key.grants.iter().map(|grant| format!("{}={}", grant.namespace, grant.role.name())).collect();
                let state = if key.state == KeyState::SetAside { "  (set aside: ostro token resume)" } else { "" };
                println!("{}  {}  {}{state}", key.id, printable::line(&key.name), printable::line(&grants.join(" ")));
            }
        }
        TokenCommand::Revoke { id } => {
            auth::revoke(&records, &id).await.map_err(said)?;
            println!("revoked {id}");
        }
        TokenCommand::Resume { ids, all } => {
            let set_aside = auth::list(&records).await.map_err(said)?.into_iter();
            let set_aside = set_aside.filter(|key| key.state == KeyState::SetAside).map(|key| key.id);
            let ids = if all { set_aside.collect() } else { ids };
            for id in ids {
                auth::resume(&records, &id).await.map_err(said)?;
                println!("resumed {id}");
            }
        }
    }
    Ok(())
}
