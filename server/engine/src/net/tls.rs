//! Encryption, with certificates that are read again when their files change.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{io::AsyncRead, io::AsyncWrite, time::interval};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Encryption with the newest certificates.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// Between two looks at the files.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

impl Tls {
    /// Reads a certificate chain and its key, both PEM, and goes on looking for newer ones.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self> {
        let config = Arc::new(RwLock::new(Arc::new(read(certificate, key)?)));
        let files = (certificate.to_path_buf(), key.to_path_buf());
        tokio::spawn(reload(Arc::downgrade(&config), files, SystemTime::now()));
        Ok(Self { config })
    }

    pub(crate) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(config).accept(stream).await
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("reading the certificate {}", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("reading the key {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choosing versions of TLS")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and its key do not go together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Takes newer files over as soon as they go together; until then the old ones do.
async fn reload(
    config: std::sync::Weak<RwLock<Arc<ServerConfig>>>,
    (certificate, key): (PathBuf, PathBuf),
    mut loaded: SystemTime,
) {
    let mut ticks = interval(RELOAD_INTERVAL);
    loop {
        ticks.tick().await;
        let Some(config) = config.upgrade() else { return };
        let changed = changed_at(&certificate).max(changed_at(&key));
        if changed <= Some(loaded) {
            continue;
        }
        match read(&certificate, &key) {
            Ok(newer) => {
                *config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(newer);
                loaded = changed.unwrap_or(loaded);
                tracing::info!("took over a new certificate");
            }
            Err(error) => tracing::warn!("the new certificate is not taken over: {error:#}"),
        }
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}
