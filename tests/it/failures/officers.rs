//! Officers, one at each dispatcher, who both want to have every second alert.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::books::Books;
use super::scenario::LOOK_EVERY;
use super::site::Doors;
use crate::support::site::Console;

/// Signs in and works until it is enough, at their own dispatcher, or at the other from when the console
/// does not answer until that does not.
pub(super) async fn work(
    doors: Arc<Doors>,
    dispatcher: usize,
    books: Arc<Books>,
    enough: CancellationToken,
) {
    let officer = doors.officer(dispatcher);
    let mut in_vain = BTreeMap::new();
    let places = [dispatcher, 1 - dispatcher].into_iter().cycle();
    for at in places.take_while(|_| !enough.is_cancelled()) {
        if let Ok(Some(console)) = Console::try_sign_in_at(doors.console(at), officer).await {
            books.open().signed_in(dispatcher, at);
            while !enough.is_cancelled() {
                let taken = take_all(&console, dispatcher, &books, &mut in_vain).await;
                if taken.is_err() {
                    break;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Takes what nobody has taken. It is remembered how often that was in vain, of each.
async fn take_all(
    console: &Console,
    dispatcher: usize,
    books: &Books,
    in_vain: &mut BTreeMap<String, u8>,
) -> reqwest::Result<()> {
    let (_, board) = console.try_get("/api/board").await?;
    let cards = board["cards"].as_array().cloned().unwrap_or_default();
    for card in cards {
        let id = card["id"].as_str().unwrap();
        if card["state"] != "assigned" || !is_wanted(id) {
            continue;
        }
        // The same command when there was no answer, another when it was one in vain.
        let tries = in_vain.entry(id.to_owned()).or_default();
        let command = format!("{}{tries:02x}{dispatcher}", &id[..id.len() - 3]);
        let body = json!({ "command_id": command, "revision": card["revision"] });
        let path = format!("/api/incidents/{id}/acknowledge");
        let (status, answer) = console.try_post(&path, &body).await?;
        if status != StatusCode::OK {
            continue;
        }
        if answer["outcome"] == "effective" {
            books.open().acknowledged.insert(id.to_owned());
        } else {
            *tries = tries.saturating_add(1);
        }
    }
    Ok(())
}

/// Every second one: by a bit of the id.
fn is_wanted(id: &str) -> bool {
    let digits = id.chars().filter_map(|digit| digit.to_digit(16));
    digits.sum::<u32>() % 2 == 0
}
