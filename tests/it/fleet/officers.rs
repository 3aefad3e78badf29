//! Officers at two dispatchers.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_claim_at_two_dispatchers_one_has_it_and_the_other_is_told_who() {
    const PHONES: u8 = 8;
    if !is_here() {
        return;
    }
    let redis = TestServer::start();
    let fleet = Fleet::start(redis.settings()).await;
    let (kim, choi) = (
        fleet.console(0, "kim").await,
        fleet.console(1, "choi").await,
    );
    let (mut here, mut there) = (kim.follow().await, choi.follow().await);
    for number in 0..PHONES {
        press(&mut fleet.phone(usize::from(number % 2), number + 1)).await;
        let is_new = |card: &Value| card["state"] == "assigned";
        let card = here.card("it is assigned here", is_new).await;
        let same = |other: &Value| is_new(other) && other["id"] == card["id"];
        there.card("it is assigned there", same).await;
        let path = format!(
            "/api/incidents/{}/acknowledge",
            card["id"].as_str().unwrap()
        );
        let body = |who: usize| {
            let command = format!("{}{number:02x}", &COMMANDS[who][..34]);
            json!({ "command_id": command, "revision": card["revision"] })
        };
        let (first, second) = (body(0), body(1));
        let (one, other) = tokio::join!(kim.post(&path, &first), choi.post(&path, &second));
        let answers = [one, other].map(|(status, answer)| {
            assert_eq!(status, StatusCode::OK, "{answer}");
            answer
        });
        let won = |answer: &Value| answer["outcome"] == "effective";
        let winner = answers.iter().position(won).expect("somebody has it");
        let loser = &answers[1 - winner];
        assert_eq!(loser["outcome"], "superseded", "{loser}");
        assert_eq!(loser["by"]["user"], ["kim", "choi"][winner]);
        let is_taken = |taken: &Value| {
            taken["id"] == card["id"] && taken["acknowledged_by"]["user"] == ["kim", "choi"][winner]
        };
        here.card("taken here", is_taken).await;
        there.card("taken there", is_taken).await;
    }
    fleet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consoles_are_told_when_the_log_is_away_and_when_it_is_back() {
    if !is_here() {
        return;
    }
    let mut redis = TestServer::start();
    let fleet = Fleet::start(redis.settings()).await;
    let kim = fleet.console(0, "kim").await;
    let mut stream = kim.follow().await;
    stream
        .health("well", |health| health["ready"] == true)
        .await;
    redis.kill();
    let is_away = |health: &Value| {
        let problems = health["problems"].as_array().unwrap();
        let said = |problem: &Value| problem.as_str().unwrap().contains("shared log is away");
        health["ready"] == false && problems.iter().any(said)
    };
    stream.health("that the log is away", is_away).await;
    redis.restart();
    stream
        .health("well again", |health| health["ready"] == true)
        .await;
    fleet.shutdown().await;
}
