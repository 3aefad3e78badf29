//! Phones that speak TLS over TCP: HTTP/1.1 or MQTT, as few bytes as the protocols allow.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::phones::tls;

/// Ends the head of an answer (RFC 9112, section 2.1); those of the server have no body.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Phones with one TLS configuration.
pub(crate) struct TlsPhones(TlsConnector);

impl TlsPhones {
    pub(crate) fn new(trusted: CertificateDer<'static>) -> Self {
        Self(TlsConnector::from(Arc::new(tls(trusted))))
    }

    async fn connect(&self, server: SocketAddr) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(server).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        self.0.connect(name, stream).await.unwrap()
    }
}

pub(crate) struct Http(TlsStream<TcpStream>);

impl Http {
    pub(crate) async fn connect(phones: &TlsPhones, server: SocketAddr) -> Self {
        Self(phones.connect(server).await)
    }

    /// Posts, and waits for the answer.
    pub(crate) async fn post(&mut self, path: &str, body: &[u8]) {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.0
            .write_all(&[head.as_bytes(), body].concat())
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(HEAD_END) {
            let read = self.0.read_buf(&mut answer).await.unwrap();
            assert!(read > 0, "the server has hung up");
        }
        assert!(
            answer.starts_with(b"HTTP/1.1 20"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }

    pub(crate) async fn close(mut self) {
        let _ = self.0.shutdown().await;
    }
}

/// MQTT 3.1.1 (OASIS, 2014); the numbers are of its sections.
pub(crate) struct Mqtt(TlsStream<TcpStream>);

impl Mqtt {
    /// Connects without waiting for the answer, as 3.1.4 allows.
    pub(crate) async fn connect(phones: &TlsPhones, server: SocketAddr, name: &str) -> Self {
        let mut stream = phones.connect(server).await;
        stream.write_all(&connect(name, true)).await.unwrap();
        Self(stream)
    }

    /// Publishes with QoS 1 (4.3.2) right after connecting, and waits for both answers.
    pub(crate) async fn raise(&mut self, payload: &[u8]) {
        self.0
            .write_all(&publish("alerts", payload, true))
            .await
            .unwrap();
        self.expect(&[0x20, 2, 0, 0, 0x40, 2, 0, 1]).await;
    }

    /// Waits for the answer to connecting.
    pub(crate) async fn connected(&mut self) {
        self.expect(&[0x20, 2, 0, 0]).await;
    }

    /// Publishes with QoS 0 (4.3.1): no answer.
    pub(crate) async fn say(&mut self, payload: &[u8]) {
        self.0
            .write_all(&publish("positions", payload, false))
            .await
            .unwrap();
    }

    pub(crate) async fn close(mut self) {
        // Disconnect (3.14).
        let _ = self.0.write_all(&[0xe0, 0]).await;
        let _ = self.0.shutdown().await;
    }

    /// Somebody to whom every alert is to go, and who is away: the broker keeps them.
    pub(crate) async fn subscribe_and_leave(phones: &TlsPhones, server: SocketAddr) {
        let mut desk = Self(phones.connect(server).await);
        let topic = text("alerts");
        // Subscribe (3.8), packet 1, QoS 1.
        let subscribe = packet(0x82, &[&[0, 1], &topic[..], &[1]].concat());
        let both = [connect("desk", false), subscribe].concat();
        desk.0.write_all(&both).await.unwrap();
        desk.expect(&[0x20, 2, 0, 0, 0x90, 3, 0, 1, 1]).await;
        desk.close().await;
    }

    async fn expect(&mut self, answers: &[u8]) {
        let mut heard = vec![0; answers.len()];
        self.0.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, answers);
    }
}

/// 3.1: protocol level 4, a minute between words.
fn connect(name: &str, clean_session: bool) -> Vec<u8> {
    let flags = u8::from(clean_session) << 1;
    packet(
        0x10,
        &[&text("MQTT")[..], &[4, flags, 0, 60], &text(name)].concat(),
    )
}

/// 3.3; of those with QoS 1 this is packet 1 of its connection.
fn publish(topic: &str, payload: &[u8], acknowledged: bool) -> Vec<u8> {
    let number: &[u8] = if acknowledged { &[0, 1] } else { &[] };
    let kind = 0x30 | u8::from(acknowledged) << 1;
    packet(kind, &[&text(topic)[..], number, payload].concat())
}

/// 1.5.3: the length, then the text.
fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

/// 2.2.3: the length in groups of seven bits, the least first.
fn packet(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut left = content.len();
    loop {
        let more = if left >= 128 { 0x80 } else { 0 };
        packet.push((left % 128) as u8 | more);
        left /= 128;
        if left == 0 {
            break;
        }
    }
    packet.extend_from_slice(content);
    packet
}
