//! Encrypted connections, names, partitions.

use super::super::settings::{Address, ClientCertificate, Tls, Topology};
use super::*;
use crate::offset::Partition;

/// A CA and what it has signed, in the server's folder.
pub(super) struct Certificates {
    pub(super) ca: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Certificates {
    pub(super) fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = called("a CA");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let ca = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
        Self { ca }
    }

    /// Certificate and key for this name.
    pub(super) fn issue(&self, name: &str) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name = called(name);
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

/// A name of its own, or OpenSSL takes whatever the CA has signed for the CA.
fn called(name: &str) -> rcgen::DistinguishedName {
    let mut called = rcgen::DistinguishedName::new();
    called.push(rcgen::DnType::CommonName, name);
    called
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_with_a_certificate_on_both_sides() {
    if !is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
    let certificates = Certificates::new();
    write("ca.pem", &certificates.ca.pem());
    for (who, name) in [("server", "localhost"), ("client", "relay")] {
        let (certificate, key) = certificates.issue(name);
        write(&format!("{who}.pem"), &certificate);
        write(&format!("{who}.key"), &key);
    }
    write("other-ca.pem", &Certificates::new().ca.pem());
    let file = |name: &str| path(name).display().to_string();
    let server = TestServer::with(&[
        "--tls-cert-file",
        &file("server.pem"),
        "--tls-key-file",
        &file("server.key"),
        "--tls-ca-cert-file",
        &file("ca.pem"),
        "--tls-auth-clients",
        "yes",
    ]);
    let settings = |host: &str, ca: &str, with_client: bool| Settings {
        tls: Some(Tls {
            ca_file: path(ca),
            client: with_client.then(|| ClientCertificate {
                certificate_file: path("client.pem"),
                key_file: path("client.key"),
            }),
        }),
        topology: Topology::Single(Address {
            host: host.to_owned(),
            ..server.address()
        }),
        ..server.settings()
    };
    let journal = open(settings("localhost", "ca.pem", true)).await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    append(&journal, "a").await;
    read(&mut tail, &["a"]).await;

    let plain = Settings {
        tls: None,
        ..settings("localhost", "ca.pem", true)
    };
    for (wrong, settings) in [
        ("another name", settings("127.0.0.1", "ca.pem", true)),
        ("another CA", settings("localhost", "other-ca.pem", true)),
        (
            "no client certificate",
            settings("localhost", "ca.pem", false),
        ),
        ("no TLS", plain),
    ] {
        let opening = Journal::open_redis(settings, Options::default());
        let refused = within(opening).await;
        assert!(
            matches!(
                refused,
                Err(OpenError::Server(ConnectError::Unreachable { .. }))
            ),
            "{wrong}: {refused:?}"
        );
    }
    write("client.key", "no key");
    let opening = Journal::open_redis(settings("localhost", "ca.pem", true), Options::default());
    let refused = within(opening).await.unwrap_err();
    assert!(
        matches!(refused, OpenError::Server(ConnectError::File { .. })),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_and_deployments_on_one_server_do_not_meet() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let settings = |prefix: &str, partition| Settings {
        key_prefix: prefix.to_owned(),
        partition: Partition(partition),
        ..server.settings()
    };
    let mut journals = Vec::new();
    for (prefix, partition) in [("seoul", 0), ("seoul", 1), ("busan", 0)] {
        let journal = open(settings(prefix, partition)).await;
        assert_eq!(journal.partition(), Partition(partition));
        assert_eq!(
            append(&journal, &format!("{prefix} {partition}"))
                .await
                .first,
            Offset(0)
        );
        journals.push(journal);
    }
    for (journal, expected) in journals.iter().zip(["seoul 0", "seoul 1", "busan 0"]) {
        assert_eq!(all(journal).await, [expected]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_is_closed_with_the_log_also_while_the_server_is_away() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let journal = open(server.settings()).await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    server.kill();
    trouble(&journal).await;
    let waiting = tokio::spawn(async move { within(tail.next()).await });
    within(journal.close()).await;
    assert_eq!(waiting.await.unwrap(), Err(crate::TailError::Closed));
}
