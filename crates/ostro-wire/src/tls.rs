//! TLS of listeners: a certificate from files, read again when they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// Between two looks at the files.
const RELOAD_INTERVAL: Duration = Duration::from_secs(30);

/// Where a listener's certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that it rests on (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
    /// Only clients with a certificate of one of these authorities (PEM) may connect; anybody without.
    pub client_ca: Option<PathBuf>,
}

/// Files that make no TLS.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {} for TLS: {reason}", path.display())]
pub struct TlsError {
    path: PathBuf,
    reason: String,
}

impl TlsError {
    fn new(path: &Path, reason: impl ToString) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// TLS as listeners do it. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    provider: Arc<CryptoProvider>,
    files: TlsFiles,
    identity: Arc<Identity>,
}

impl Tls {
    /// Reads the files. They are read again for as long as a listener uses them: a renewed certificate needs no restart.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let key = certified_key(&files, &provider)?;
        let tls = Self { provider, identity: Arc::new(Identity(RwLock::new(Arc::new(key)))), files };
        // What is wrong with the clients' authorities is said at the start too.
        tls.config(&[])?;
        Ok(tls)
    }

    /// Makes handshakes with clients that speak one of `protocols` (ALPN: `h2`, `http/1.1`).
    pub(crate) fn acceptor(&self, protocols: &[&str]) -> Result<TlsAcceptor, TlsError> {
        self.config(protocols).map(TlsAcceptor::from)
    }

    /// How connections are made that speak one of `protocols` (ALPN).
    fn config(&self, protocols: &[&str]) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::new(&self.files.certificate, error))?;
        let builder = match &self.files.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(authorities(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, self.provider.clone()).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| TlsError::new(path, error))?)
            }
        };
        let mut config = builder.with_cert_resolver(self.identity.clone());
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// Reads the files again whenever one of them was changed, for ever.
    pub(crate) async fn keep_fresh(self) {
        let mut seen = changed_at(&self.files);
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let now = changed_at(&self.files);
            if now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    /// Reads the files again; what cannot be used leaves the certificate as it is.
    fn reload(&self) {
        match certified_key(&self.files, &self.provider) {
            Ok(key) => {
                *self.identity.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                tracing::info!(certificate = %self.files.certificate.display(), "the certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the certificate stays as it was"),
        }
    }
}

fn changed_at(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
}

/// The certificate of now.
#[derive(Debug)]
struct Identity(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn certified_key(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsError::new(&files.key, error))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| TlsError::new(&files.certificate, error))
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::new(path, error))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| TlsError::new(path, error))?;
    let all = all.collect::<Result<Vec<_>, _>>().map_err(|error| TlsError::new(path, error))?;
    if all.is_empty() { Err(TlsError::new(path, "it holds no certificate (PEM)")) } else { Ok(all) }
}
