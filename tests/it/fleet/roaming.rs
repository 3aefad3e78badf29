//! A phone that comes back at another relay.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn status_and_words_follow_a_phone_to_another_relay() {
    if !is_here() {
        return;
    }
    let redis = TestServer::start();
    let mut fleet = Fleet::start(redis.settings()).await;
    let mut enrolments = [0, 1].map(|relay| fleet.enrolment(relay, 1));
    let others = enrolments[1].relays.clone();
    enrolments[0].relays.extend(others);
    let mut phone = TestPhone::start(&enrolments[0]);
    press(&mut phone).await;

    // Each at another dispatcher.
    let (kim, choi) = (
        fleet.console(0, "kim").await,
        fleet.console(1, "choi").await,
    );
    let mut board = kim.follow().await;
    let card = board
        .card("it is assigned", |card| card["state"] == "assigned")
        .await;
    let at = |what| format!("/api/incidents/{}/{what}", card["id"].as_str().unwrap());
    let acknowledge = json!({ "command_id": COMMANDS[0], "revision": card["revision"] });
    let (status, answer) = kim.post(&at("acknowledge"), &acknowledge).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    hears(&mut phone, Progress::Seen).await;

    fleet.relays.remove(0).shutdown().await;
    let words = json!({ "command_id": COMMANDS[1], "text": "문 앞입니다" });
    let (status, answer) = choi.post(&at("message"), &words).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    phone
        .event("the other relay", |event| {
            matches!(event, Event::Connected { relay: 1, .. }).then_some(())
        })
        .await;
    // Where things stand is told anew, as nobody knows what was heard.
    let message = phone
        .event("what was said meanwhile", |event| match event {
            Event::Message(message) => Some(message.text.clone()),
            _ => None,
        })
        .await;
    assert_eq!(message, "문 앞입니다");
    let card = board
        .card("both have it", |card| card["talk"]["count"] == 1)
        .await;
    assert_eq!(card["presses"], 1, "coming back is no press");
    let close = json!({
        "command_id": COMMANDS[2], "revision": card["revision"], "outcome": "helped",
    });
    let (status, answer) = choi.post(&at("close"), &close).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    hears(&mut phone, Progress::Closed).await;
    fleet.shutdown().await;
}

async fn hears(phone: &mut TestPhone, progress: Progress) {
    phone
        .event("a status", |event| match event {
            Event::Status(status) => (status.progress == progress).then_some(()),
            _ => None,
        })
        .await;
}
