//! Certificates for tests, made anew each time.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// A private authority that issues certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

/// The files that a server needs, as paths.
#[derive(Debug, Clone)]
pub struct ServerFiles {
    /// The server's certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// The authority's certificate.
    pub authority: String,
}

impl Authority {
    /// A new authority that nobody trusts yet.
    ///
    /// # Errors
    /// If keys cannot be made.
    pub fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tidegate-tls-{}-{count}", std::process::id()));
        Ok(Self { issuer, folder })
    }

    /// The authority's certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        self.issuer.pem()
    }

    /// Issues a certificate for `localhost` and `127.0.0.1` and writes all that a server needs to
    /// files.
    ///
    /// # Errors
    /// If keys cannot be made or files not be written.
    pub fn server_files(&self) -> Result<ServerFiles> {
        self.files_of("server", &CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?)
    }

    /// Like [`Self::server_files`], with a certificate for a server that is called otherwise.
    ///
    /// # Errors
    /// As [`Self::server_files`].
    pub fn files_of_another(&self) -> Result<ServerFiles> {
        self.files_of("another", &CertificateParams::new(vec!["elsewhere.example".to_owned()])?)
    }

    /// Like [`Self::server_files`], with a certificate that is no longer valid.
    ///
    /// # Errors
    /// As [`Self::server_files`].
    pub fn expired_files(&self) -> Result<ServerFiles> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        self.files_of("expired", &params)
    }

    fn files_of(&self, name: &str, params: &CertificateParams) -> Result<ServerFiles> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        std::fs::create_dir_all(&self.folder)?;
        let write = |kind: &str, pem: String| -> Result<String> {
            let path = self.folder.join(format!("{name}.{kind}"));
            std::fs::write(&path, pem)?;
            Ok(path.to_string_lossy().into_owned())
        };
        Ok(ServerFiles {
            certificate: write("pem", certificate.pem())?,
            key: write("key", key.serialize_pem())?,
            authority: write("authority.pem", self.certificate_pem())?,
        })
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // There is no folder if no certificate was issued.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
