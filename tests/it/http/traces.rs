//! What the service writes about itself tells no place, no words and no password.

use std::io::Write;
use std::sync::{Arc, Mutex};

use protocol::Content;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::rooms::{IN_A, PASSWORD, Site};
use crate::support::log::TestPhone;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

// One thread: the subscriber is this thread's, and so the engine's and the door's.
#[tokio::test]
async fn traces_tell_no_place_no_words_and_no_password() {
    let captured = Captured::default();
    // With a single subscriber, tracing asks only the thread that comes first to a line of code, which
    // may be another test's.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(captured.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let site = Site::open().await;
    let mut phone = TestPhone::new(1);
    site.log.raise(&mut phone, Some(IN_A)).await;
    site.log
        .say(
            &mut phone,
            Content::Text("canary words of the person".to_owned()),
        )
        .await;
    let id = phone.incident().to_string();
    let console = site.signed_in("at-a").await;
    let card = console
        .card_when(&id, |card| card["talk"]["count"] == 1)
        .await;
    assert!(card.to_string().contains("37.123456"), "{card}");
    console.sign_in("at-a", "canary password").await;
    console.sign_in("canary password as a user", "x").await;
    console
        .command(
            &id,
            "message",
            1,
            json!({ "text": "canary words of an officer" }),
        )
        .await;
    console.get(&format!("/api/incidents/{id}/history")).await;
    console
        .get("/api/incidents/canary-in-an-address/history")
        .await;
    console.get("/canary-in-an-address").await;
    let place = json!({ "lat": IN_A.0, "lon": IN_A.1, "radius_m": 1_234_567 });
    let (status, answer) = console.post("/api/locate", &place).await;
    assert_eq!((status, &answer["id"]), (200, &json!("a")));
    let nowhere = json!({ "lat": 1276.54321, "lon": "canary" });
    assert_eq!(console.post("/api/locate", &nowhere).await.0, 422);
    site.stop.cancel();
    site.handle.closed().await.unwrap();
    let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let ours: String = text
        .lines()
        .filter(|line| line.contains("dispatcher::"))
        .collect::<Vec<_>>()
        .join("\n");
    for line in [
        "signed in",
        "sign-in with wrong",
        "/api/incidents/{id}/message",
        "/api/locate",
    ] {
        assert!(ours.contains(line), "{line} is traced:\n{ours}");
    }
    for secret in [
        "37.12", "127.65", "371234", "1276543", "1276.5", "1234567", "canary", PASSWORD, &id,
    ] {
        assert!(!ours.contains(secret), "{secret}:\n{ours}");
    }
}
