//! What nobody needs of SQLite is switched off, so that a file that was prepared by someone else runs nothing here.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Result};

/// Switches off triggers, views, writes to the schema by the back door, and functions in the schema that could do harm.
pub fn harden(connection: &Connection) -> Result<()> {
    for (option, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    ] {
        connection.set_db_config(option, on)?;
    }
    Ok(())
}
