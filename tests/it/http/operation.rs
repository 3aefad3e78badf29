//! The door itself: where it listens, TLS, and what it counts.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use dispatcher::io::http::{HttpError, Server, TlsError, TlsFiles};
use dispatcher::io::metrics::Registry;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::rooms::{IN_A, Site, config, engine, users};
use crate::support::log::{TestLog, TestPhone};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_is_refused_off_loopback() {
    let log = TestLog::new();
    let stop = CancellationToken::new();
    let engine = engine(&log, &mut Registry::default(), stop.child_token()).await;
    let registry = || Arc::new(Mutex::new(Registry::default()));
    let started = Server::start(
        config("0.0.0.0:0"),
        engine.clone(),
        users(),
        registry(),
        stop.child_token(),
    );
    let error = started.await.unwrap_err();
    assert!(matches!(error, HttpError::PlainOffLoopback { .. }));
    let words = error.to_string();
    assert!(
        words.contains("0.0.0.0:0") && words.contains("certificate"),
        "{words}"
    );

    // Neither on a listener that is handed in.
    let server = Server::build(
        config("127.0.0.1:0"),
        engine,
        users(),
        registry(),
        stop.clone(),
    );
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let error = server.await.unwrap().serve(listener).unwrap_err();
    assert!(
        matches!(error, HttpError::PlainOffLoopback { .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_the_door_speaks_tls_and_http_2() {
    let log = TestLog::new();
    let stop = CancellationToken::new();
    let engine = engine(&log, &mut Registry::default(), stop.child_token()).await;
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    let registry = || Arc::new(Mutex::new(Registry::default()));
    let mut config = config("127.0.0.1:0");
    config.tls = Some(files.clone());
    let start = async || {
        Server::start(
            config.clone(),
            engine.clone(),
            users(),
            registry(),
            stop.child_token(),
        )
        .await
    };
    let missing = start().await.unwrap_err();
    assert!(
        matches!(missing, HttpError::Tls(TlsError::Pem { .. })),
        "{missing}"
    );
    assert!(missing.to_string().contains("cert.pem"), "{missing}");

    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let handle = start().await.unwrap();
    assert!(handle.url().starts_with("https://"));
    let certificate = made.cert.der().clone();
    let address = handle.local_addr();
    let (protocol, answer) = tokio::task::spawn_blocking(move || {
        let offers = [b"h2".to_vec(), b"http/1.1".to_vec()];
        let chosen = ask(address, &certificate, &offers, "").0;
        let credentials = format!(
            r#"{{"user":"at-a","password":"{}"}}"#,
            super::rooms::PASSWORD
        );
        let request = format!(
            "POST /api/sign-in HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{credentials}",
            credentials.len(),
        );
        (chosen, ask(address, &certificate, &offers[1..], &request).1)
    })
    .await
    .unwrap();
    assert_eq!(protocol.as_deref(), Some(&b"h2"[..]));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = answer.to_lowercase();
    assert!(
        answer.contains("; secure"),
        "the cookie is for TLS alone: {answer}"
    );
    assert!(
        answer.contains("strict-transport-security: max-age"),
        "{answer}"
    );
    stop.cancel();
    handle.closed().await.unwrap();
}

/// One request over TLS by a client that trusts this certificate; the protocol, and the answer.
fn ask(
    address: std::net::SocketAddr,
    certificate: &CertificateDer<'static>,
    protocols: &[Vec<u8>],
    request: &str,
) -> (Option<Vec<u8>>, String) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.to_vec();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).unwrap();
    }
    let protocol = connection.alpn_protocol().map(<[u8]>::to_vec);
    let mut answer = String::new();
    if !request.is_empty() {
        let mut stream = rustls::StreamOwned::new(connection, socket);
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        // The other side may close without a goodbye once it has answered.
        let _ = stream.read_to_end(&mut bytes);
        answer = String::from_utf8(bytes).unwrap();
    }
    (protocol, answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_counter_counts() {
    let site = Site::open().await;
    let mut phone = TestPhone::new(1);
    site.log.raise(&mut phone, Some(IN_A)).await;
    let id = phone.incident().to_string();
    let console = site.signed_in("at-a").await;
    let mut events = console.events(None, None).await;
    events.next_named("change").await;
    let card = console
        .card_when(&id, |card| card["state"] == "assigned")
        .await;
    console.sign_in("at-a", "wrong").await;
    for _ in 0..20 {
        console.sign_in("at-b", "wrong").await;
    }
    console
        .command(
            &id,
            "acknowledge",
            1,
            json!({ "revision": card["revision"] }),
        )
        .await;
    console
        .command(
            &id,
            "acknowledge",
            2,
            json!({ "revision": card["revision"] }),
        )
        .await;
    console
        .command(&id, "delivered", 3, json!({ "how": "drawn" }))
        .await;
    console
        .command(&id, "delivered", 4, json!({ "how": "drawn" }))
        .await;
    console.get(&format!("/api/incidents/{id}/history")).await;
    let viewer = site.signed_in("viewer-at-a").await;
    viewer.command(&id, "note", 5, json!({ "text": "x" })).await;
    let (status, text) = console.get("/metrics").await;
    assert_eq!(status, 200);
    let text = text.as_str().unwrap();
    for line in [
        r#"ansim_console_sign_ins_total{outcome="right"} 2"#,
        r#"ansim_console_sign_ins_total{outcome="too_many"} 12"#,
        r#"ansim_console_sign_ins_total{outcome="wrong"} 9"#,
        r#"ansim_console_commands_total{kind="acknowledge",verdict="effective"} 1"#,
        r#"ansim_console_commands_total{kind="acknowledge",verdict="superseded"} 1"#,
        r#"ansim_console_commands_total{kind="delivered",verdict="effective"} 1"#,
        r#"ansim_console_commands_total{kind="delivered",verdict="known"} 1"#,
        r#"ansim_console_commands_total{kind="view",verdict="effective"} 1"#,
        r#"ansim_console_commands_total{kind="note",verdict="may_not_decide"} 1"#,
        r#"ansim_console_requests_total{route="/api/incidents/{id}/history",status="200"} 1"#,
        "ansim_console_connections_refused_total 0",
        "ansim_dispatcher_incidents 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    let value = |name: &str| -> u64 {
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name}"));
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    assert!(value("ansim_console_streams ") >= 1);
    assert!(value(r#"ansim_console_events_total{event="health"}"#) >= 2);
    assert!(value(r#"ansim_console_events_total{event="change"}"#) >= 2);
    assert!(!text.contains(&id) && !text.contains("37.12"), "{text}");
    drop(events);
}
