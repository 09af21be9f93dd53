//! TLS of listeners: a certificate from files, read again when they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{
    self, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
};

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
    /// Who may connect, where not everybody may.
    clients: Option<Arc<Clients>>,
}

impl Tls {
    /// Reads the files. They are read again for as long as a listener uses them: a renewed certificate needs no restart.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let key = certified_key(&files, &provider)?;
        let clients = match &files.client_ca {
            None => None,
            Some(path) => Some(Arc::new(Clients(RwLock::new(verifier(path, &provider)?)))),
        };
        Ok(Self { provider, identity: Arc::new(Identity(RwLock::new(Arc::new(key)))), clients, files })
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
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => builder.with_client_cert_verifier(clients.clone()),
        };
        let mut config = builder.with_cert_resolver(self.identity.clone());
        if self.clients.is_some() {
            // A session that goes on shows no certificate: whoever has lost the right to connect would keep it.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
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

    /// Reads the files again; what cannot be used leaves the certificate, or the authorities, as they are.
    fn reload(&self) {
        if let (Some(clients), Some(path)) = (&self.clients, &self.files.client_ca) {
            match verifier(path, &self.provider) {
                Ok(verifier) => {
                    *clients.0.write().unwrap_or_else(PoisonError::into_inner) = verifier;
                    tracing::info!(authorities = %path.display(), "the authorities of clients were read again");
                }
                Err(error) => tracing::error!(%error, "the authorities of clients stay as they were"),
            }
        }
        match certified_key(&self.files, &self.provider) {
            Ok(key) => {
                *self.identity.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                tracing::info!(certificate = %self.files.certificate.display(), "the certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the certificate stays as it was"),
        }
    }
}

fn changed_at(files: &TlsFiles) -> [Option<SystemTime>; 3] {
    let changed = |path: &PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref()].map(|path| path.and_then(changed))
}

/// The verifier of now. What it tells clients of its authorities goes with it.
#[derive(Debug)]
struct Clients(RwLock<Arc<dyn ClientCertVerifier>>);

impl Clients {
    fn now(&self) -> Arc<dyn ClientCertVerifier> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientCertVerifier for Clients {
    /// None: the names would be those of the authorities at the start, and clients choose without them, too.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.now().verify_client_cert(certificate, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.now().verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.now().verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.now().supported_verify_schemes()
    }
}

fn verifier(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let roots = Arc::new(authorities(path)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build();
    verifier.map_err(|error| TlsError::new(path, error))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/certificates").join(name)
    }

    #[test]
    fn replaced_authorities_of_clients_count_from_then_on() {
        let authorities = std::env::temp_dir().join(format!("ostro-authorities-{}.pem", std::process::id()));
        std::fs::copy(file("stranger.pem"), &authorities).expect("a file");
        let files =
            TlsFiles { certificate: file("server.pem"), key: file("server.key"), client_ca: Some(authorities.clone()) };
        let tls = Tls::load(files).expect("files that fit");
        let clients = tls.clients.clone().expect("only some may connect");
        let client = certificates(&file("client.pem")).expect("a certificate");
        let verified = || clients.verify_client_cert(&client[0], &[], UnixTime::now());
        assert!(verified().is_err(), "of another authority");
        std::fs::copy(file("ca.pem"), &authorities).expect("a file");
        tls.reload();
        verified().expect("its authority counts now");
        std::fs::write(&authorities, "no certificate").expect("a file");
        tls.reload();
        verified().expect("what cannot be used changes nothing");
        std::fs::remove_file(&authorities).expect("a file");
    }
}
