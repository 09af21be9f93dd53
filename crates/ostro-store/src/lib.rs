//! The durable store of Ostro: one SQLite file, one writer thread with group commit, readers beside it.
//!
//! - [`Store`] opens the file and owns it.
//! - [`Writer`] takes [`Batch`]es and says when they are on disk.
//! - [`Reader`] answers the engine, [`Readers`] the frontend.
//! - [`Inspector`] looks at a file without serving it, [`backup`] and [`restore`] copy it, [`repair`] mends it.
//! - [`visibility`] turns Temporal's list filters into SQL.

mod apply;
mod backup;
mod check;
mod copy;
mod error;
mod group;
mod history;
mod inspect;
mod queue;
mod reader;
mod readers;
mod recovery;
mod repair;
mod row;
mod salvage;
mod schema;
mod stats;
mod store;
mod sum;
pub mod visibility;
mod writer;

pub use backup::{Copied, backup, compact, restore};
pub use error::{Error, OnFatal, Result, abort_on_fatal};
pub use history::{HistoryPage, PageLimits};
pub use inspect::{Found, FoundSchedule, Inspector};
pub use ostro_sqlite::{PoolLimits, PoolStats, Refused};
pub use reader::Reader;
pub use readers::{ReadLimits, Readers, Reads};
pub use repair::{Repaired, TakenOut, repair};
pub use rusqlite::types::Value as Column;
pub use salvage::SalvagedRow;
pub use schema::SCHEMA_VERSION;
pub use stats::Stats;
pub use store::{BeginsWithNothing, Options, Store};
pub use writer::{Batch, Writer};
