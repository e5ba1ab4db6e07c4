//! The way out of this process: looking up names, connecting, TLS.
//!
//! One [`Gateway`] serves every call. It decides nothing: which addresses a connection may go
//! to is said in [`super::policy`], and it goes to an address, never to a name.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use futures_util::future::BoxFuture;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Look-ups that run at once, over all apps. Each holds a thread until the system's resolver
/// gives up, whatever becomes of the call.
const LOOKUPS: usize = 32;

/// What the process shares to send requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(super) network: Arc<dyn Network>,
    tls: Arc<ClientConfig>,
}

/// The network, as far as egress needs it.
pub(crate) trait Network: Send + Sync {
    /// The addresses that a name stands for.
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
    /// A connection to exactly this address.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>>;
}

impl Gateway {
    /// A gateway to the real network, which trusts the system's certificate authorities and
    /// those in `ca_file`.
    ///
    /// # Errors
    ///
    /// When `ca_file` cannot be read or has no certificate in it.
    pub(crate) fn open(ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "a certificate authority of the system was left out");
        }
        roots.add_parsable_certificates(system.certs);
        if let Some(file) = ca_file {
            add_file(&mut roots, file)
                .with_context(|| format!("cannot use `egress_ca_file` `{}`", file.display()))?;
        }
        let network = System {
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        };
        Self::new(Arc::new(network), roots)
    }

    pub(super) fn new(network: Arc<dyn Network>, roots: RootCertStore) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A session that is taken up again would tell one app's requests from another's.
        tls.resumption = rustls::client::Resumption::disabled();
        Ok(Self {
            network,
            tls: Arc::new(tls),
        })
    }

    /// Puts TLS on a connection, with a server that proves to be `name`.
    pub(super) async fn secure(
        &self,
        name: ServerName<'static>,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, stream)
            .await
    }
}

fn add_file(roots: &mut RootCertStore, file: &Path) -> anyhow::Result<()> {
    let mut found = false;
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
        found = true;
    }
    anyhow::ensure!(found, "it has no certificate in PEM form");
    Ok(())
}

/// The system's own resolver and sockets.
struct System {
    lookups: Arc<Semaphore>,
}

impl Network for System {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let lookups = Arc::clone(&self.lookups);
        Box::pin(async move {
            let place = lookups.acquire_owned().await.map_err(io::Error::other)?;
            tokio::task::spawn_blocking(move || {
                let _place = place;
                // The port plays no part in a look-up.
                let found = (name.as_str(), 0).to_socket_addrs()?;
                Ok(found.map(|address| address.ip()).collect())
            })
            .await?
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<TcpStream>> {
        Box::pin(TcpStream::connect(address))
    }
}
