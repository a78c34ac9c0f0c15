//! TLS without a proxy, with a key exchange that a quantum computer does not break.

use std::sync::Arc;

use rustls::{
    ClientConfig, NamedGroup, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::stage::Stage;

/// A server with a certificate of its own, and what clients need to trust it.
async fn stage() -> (Stage, CertificateDer<'static>, tempfile::TempDir) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let stage = Stage::with(|config| {
        config.tls_certificate = Some(certificate);
        config.tls_key = Some(key);
    })
    .await;
    (stage, made.cert.der().clone(), folder)
}

#[tokio::test]
async fn the_hybrid_key_exchange_is_spoken_and_answers_ask_for_tls_from_now_on() {
    let (stage, trusted, _folder) = stage().await;
    let hybrid = aws_lc_rs::kx_group::X25519MLKEM768;
    let provider = CryptoProvider { kx_groups: vec![hybrid], ..aws_lc_rs::default_provider() };
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(stage.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, NamedGroup::X25519MLKEM768);
    let request =
        format!("GET /v1/account HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-API-Key: {}\r\n\r\n", stage.key);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("strict-transport-security: max-age="), "{answer}");
}

#[tokio::test]
async fn who_speaks_no_tls_gets_nothing_and_does_not_hold_up_others() {
    let (stage, ..) = stage().await;
    let mut plain = TcpStream::connect(stage.address).await.unwrap();
    plain.write_all(b"GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1"));
}
