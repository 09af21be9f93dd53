//! What keeps a server from starting.

use std::net::SocketAddr;
use std::path::PathBuf;

use ostro_wire::{BoxError, TlsError};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot use {}: {source}", path.display())]
    Data { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] ostro_store::Error),
    #[error("cannot listen on {address}: {source}; name another address, or stop what listens there")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot start the engine's thread: {0}")]
    Thread(std::io::Error),
    #[error("cannot prepare the HTTP interface: {0}")]
    Extension(BoxError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{} holds data already: time can be skipped only in a server that begins with nothing; name another place", path.display())]
    NotEmpty { path: PathBuf },
    #[error("cannot get random bytes of the system: {0}; without them nothing that the server gives out is secret")]
    Entropy(getrandom::Error),
    #[error("cannot prepare the namespaces: {0}")]
    Namespaces(#[from] ostro_engine::error::Error),
}
