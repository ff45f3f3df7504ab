//! TLS for outgoing connections: rustls with ring, the system's certificate authorities and the operator's own.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("the certificate authorities are no PEM certificates: {0}")]
    Authorities(String),
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// A configuration for clients; `authorities` are PEM certificates that are trusted beside the system's.
pub(super) fn client(authorities: Option<&str>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots(authorities)?).with_no_client_auth())
}

fn roots(authorities: Option<&str>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if roots.is_empty() {
        tracing::warn!("this machine has no certificate authorities: no https server is trusted; install `ca-certificates`");
    }
    for certificate in CertificateDer::pem_slice_iter(authorities.unwrap_or_default().as_bytes()) {
        roots.add(certificate.map_err(|error| TlsError::Authorities(error.to_string()))?)?;
    }
    Ok(roots)
}
