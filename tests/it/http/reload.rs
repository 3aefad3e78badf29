//! Another map while the door is open: who may ask for it, what is refused, and who is told.

use dispatcher::jurisdiction::JurisdictionMap;
use futures_util::future::{Either, select};
use journal::{LogName, Offset, Tailed};
use protocol::{Entry, MapVersion, Subject};
use reqwest::Method;
use serde_json::{Value, json};

use super::console::Console;
use super::rooms::{IN_A, IN_B, IN_C, OFFICERS, Site, map, map_of};
use crate::support::log::TestPhone;

/// The squares with the border between a and b moved to the west: `IN_A` is b's.
fn moved() -> JurisdictionMap {
    map_of(
        "moved",
        &[
            ("a", "North", 127.0, 127.5),
            ("b", "North", 127.5, 129.0),
            ("c", "South", 129.0, 130.0),
            ("d", "South", 130.0, 131.0),
        ],
    )
}

/// The squares without b.
fn without_b() -> JurisdictionMap {
    map_of(
        "hole",
        &[
            ("a", "North", 127.0, 128.0),
            ("c", "South", 129.0, 130.0),
            ("d", "South", 130.0, 131.0),
        ],
    )
}

/// The squares, where c has taken b's and is of the north.
fn c_took_b() -> JurisdictionMap {
    map_of(
        "merged",
        &[
            ("a", "North", 127.0, 128.0),
            ("c", "North", 128.0, 130.0),
            ("d", "South", 130.0, 131.0),
        ],
    )
}

impl Site {
    fn write_map(&self, map: Result<JurisdictionMap, &str>) {
        *self.next_map.lock().unwrap() = map.map_err(str::to_owned);
    }

    /// Every map that the log says was put in force.
    async fn maps_in_the_log(&self) -> Vec<MapVersion> {
        let journal = &self.log.journal;
        let end = journal.end(LogName::Alerts);
        let mut tail = journal.tail(LogName::Alerts, Offset::ZERO);
        let mut maps = Vec::new();
        while tail.cursor() < end {
            let Tailed::Entries { entries, .. } = tail.next().await.unwrap() else {
                panic!("a journal from its beginning has no gap")
            };
            for entry in entries {
                let subject = Entry::decode(&entry).unwrap().header.subject;
                if let Subject::Site(protocol::Site::MapInForce(version)) = subject {
                    maps.push(version);
                }
            }
        }
        maps
    }

    async fn raise(&self, device: u32, place: (f64, f64)) -> String {
        let mut phone = TestPhone::new(device);
        self.log.raise(&mut phone, Some(place)).await;
        let id = phone.incident().to_string();
        let national = self.signed_in("at-national").await;
        national
            .card_when(&id, |card| card["state"] == "assigned")
            .await;
        id
    }
}

async fn reload(console: &Console, force: bool) -> (u16, Value) {
    console
        .post("/api/map/reload", &json!({ "force": force }))
        .await
}

fn card<'a>(board: &'a Value, id: &str) -> Option<&'a Value> {
    let cards = board["cards"].as_array().unwrap();
    cards.iter().find(|card| card["id"] == id)
}

async fn outcomes(console: &Console) -> Vec<String> {
    let (_, text) = console.get("/metrics").await;
    let lines = text.as_str().unwrap().lines();
    let ours = lines.filter_map(|line| line.strip_prefix("ansim_dispatcher_map_reloads_total"));
    let mut ours: Vec<_> = ours.map(str::to_owned).collect();
    ours.sort();
    ours
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn supervisors_of_the_national_desk_may_and_nobody_else() {
    let site = Site::open().await;
    for (user, role, desk) in OFFICERS {
        let may = (role, desk) == ("supervisor", "national");
        let console = site.signed_in(user).await;
        let (status, answer) = reload(&console, true).await;
        assert_eq!(status, if may { 200 } else { 403 }, "{user}: {answer}");
        if !may {
            assert_eq!(answer["error"], "may_not_reload");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assignments_name_the_map_that_they_were_made_by() {
    let site = Site::open().await;
    let before = site.raise(1, IN_A).await;
    let chief = site.signed_in("chief").await;
    site.write_map(Ok(moved()));
    let (status, answer) = reload(&chief, false).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["was"], map().version().as_str());
    assert_eq!(answer["version"], moved().version().as_str());
    assert_eq!(
        (&answer["orphaned"], &answer["desks_gone"]),
        (&json!([]), &json!([]))
    );

    let after = site.raise(2, IN_A).await;
    let board = chief.board().await;
    let (old, new) = (
        card(&board, &before).unwrap(),
        card(&board, &after).unwrap(),
    );
    assert_eq!(old["station"]["id"], "station:a");
    assert_eq!(old["assignment"]["map_version"], map().version().as_str());
    assert_eq!(new["station"]["id"], "station:b");
    assert_eq!(new["assignment"]["map_version"], moved().version().as_str());
    assert_eq!(
        board["health"]["map"]["version"],
        moved().version().as_str()
    );
    let (_, place) = chief
        .post("/api/locate", &json!({ "lat": IN_A.0, "lon": IN_A.1 }))
        .await;
    assert_eq!(
        (&place["id"], &place["map"]),
        (&json!("b"), &new["assignment"]["map_version"])
    );
    let in_force = [map(), moved()].map(|map| map.version().clone());
    assert_eq!(site.maps_in_the_log().await, in_force);
    // A second reload finds nothing new.
    let (_, again) = reload(&chief, false).await;
    assert_eq!(again["version"], again["was"]);
    assert_eq!(
        outcomes(&chief).await,
        [r#"{outcome="in_force"} 1"#, r#"{outcome="unchanged"} 1"#,]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consoles_are_told_at_once_and_find_the_new_areas() {
    let site = Site::open().await;
    let console = site.signed_in("at-b").await;
    let first = console
        .request(Method::GET, "/api/map")
        .send()
        .await
        .unwrap();
    let tag = first.headers()["etag"].clone();
    let old: Value = first.json().await.unwrap();
    let mut events = console.events(None, None).await;
    let heard = events.next_named("health").await.data;
    assert_eq!(heard["map"]["version"], old["version"]);
    assert_eq!(heard["desk_on_map"], true);

    site.write_map(Ok(moved()));
    assert_eq!(reload(&site.signed_in("chief").await, false).await.0, 200);
    let heard = events.next_named("health").await.data;
    assert_eq!(
        heard["map"]["version"],
        moved().version().as_str(),
        "the next word names it"
    );
    for path in ["/api/map", "/api/basemap"] {
        let asked = console
            .request(Method::GET, path)
            .header("if-none-match", tag.clone());
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: the tag follows the version");
        let new: Value = answer.json().await.unwrap();
        assert_eq!(new["version"], moved().version().as_str());
    }
    let (_, new) = console.get("/api/map").await;
    assert_eq!(
        new["features"][0]["geometry"]["coordinates"][0][0][0][0],
        127.5
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_that_cannot_be_read_leaves_the_old_one_in_force() {
    let site = Site::open().await;
    let chief = site.signed_in("chief").await;
    site.write_map(Err("map.geojson: feature 3 (c station) has no id"));
    for force in [false, true] {
        let (status, answer) = reload(&chief, force).await;
        assert_eq!((status, &answer["error"]), (409, &json!("map_unusable")));
        assert!(
            answer["message"].as_str().unwrap().contains("c station"),
            "{answer}"
        );
    }
    assert_eq!(
        chief.board().await["health"]["map"]["version"],
        map().version().as_str()
    );
    assert_eq!(outcomes(&chief).await, [r#"{outcome="failed"} 2"#]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_that_orphans_a_place_is_refused_unless_forced() {
    let site = Site::open().await;
    let chief = site.signed_in("chief").await;
    site.write_map(Ok(without_b()));
    let (status, answer) = reload(&chief, false).await;
    assert_eq!(
        (status, &answer["error"]),
        (409, &json!("leaves_out")),
        "{answer}"
    );
    let orphaned = answer["orphaned"].as_array().unwrap();
    assert_eq!(orphaned.len(), 1);
    assert_eq!(
        (&orphaned[0]["id"], &orphaned[0]["name"]),
        (&json!("b"), &json!("b station"))
    );
    assert!(orphaned[0]["area_m2"].as_f64().unwrap() > 9e9, "{answer}");
    assert!(
        orphaned[0]["farthest_m"].as_f64().unwrap() > 40_000.0,
        "{answer}"
    );
    assert_eq!(
        chief.board().await["health"]["map"]["version"],
        map().version().as_str()
    );

    let (status, answer) = reload(&chief, true).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer["orphaned"][0]["id"], "b",
        "what was forced is said all the same"
    );
    assert_eq!(
        outcomes(&chief).await,
        [r#"{outcome="in_force"} 1"#, r#"{outcome="refused"} 1"#]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_in_use_does_not_vanish_unless_forced_and_is_not_blind_then() {
    let site = Site::open().await;
    let mine = site.raise(1, IN_B).await;
    let at_b = site.signed_in("at-b").await;
    let mut events = at_b.events(None, None).await;
    assert_eq!(events.next_named("health").await.data["desk_on_map"], true);
    let chief = site.signed_in("chief").await;
    site.write_map(Ok(c_took_b()));
    let (status, answer) = reload(&chief, false).await;
    assert_eq!(
        (status, &answer["error"]),
        (409, &json!("leaves_out")),
        "{answer}"
    );
    assert_eq!(answer["orphaned"], json!([]), "c answers for the place");
    let gone = json!([{
        "id": "station:b", "name": "b station", "open_incidents": 1, "signed_in": 1, "officers": 1,
    }]);
    assert_eq!(answer["desks_gone"], gone);

    let (status, answer) = reload(&chief, true).await;
    assert_eq!((status, &answer["desks_gone"]), (200, &gone), "{answer}");
    // The officer is told, keeps what the desk owns, and can go on with it.
    let heard = events.next_named("health").await.data;
    assert_eq!(heard["desk_on_map"], false);
    let board = at_b.board().await;
    assert_eq!(board["health"]["desk_on_map"], false);
    let revision = card(&board, &mine).unwrap()["revision"].clone();
    let taken = at_b
        .command(&mine, "acknowledge", 1, json!({ "revision": revision }))
        .await;
    assert_eq!((taken.0, &taken.1["outcome"]), (200, &json!("effective")));
    // So does whoever signs in there later; nobody is shown an empty board without a word.
    let later = site.signed_in("at-b").await;
    assert_eq!(later.board().await["health"]["desk_on_map"], false);
    let new = site.raise(2, IN_B).await;
    assert!(
        card(&at_b.board().await, &new).is_none(),
        "new alerts come to c"
    );
    assert!(card(&site.signed_in("at-c").await.board().await, &new).is_some());
    // A desk that is gone already is nobody's objection any more.
    site.write_map(Ok(map_of(
        "merged again",
        &[
            ("a", "North", 127.0, 128.0),
            ("c", "North", 128.0, 131.0),
            ("d", "South", 131.0, 132.0),
        ],
    )));
    let (status, answer) = reload(&chief, false).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sight_follows_the_map_of_the_same_moment() {
    let site = Site::open().await;
    let in_c = site.raise(1, IN_C).await;
    let (north, south) = (
        site.signed_in("at-north").await,
        site.signed_in("at-south").await,
    );
    assert!(card(&north.board().await, &in_c).is_none());
    site.write_map(Ok(c_took_b()));
    assert_eq!(reload(&site.signed_in("chief").await, true).await.0, 200);
    let board = north.board().await;
    let seen = card(&board, &in_c).expect("c is of the north now");
    assert_eq!(seen["station"]["agency"], "North");
    assert!(card(&south.board().await, &in_c).is_none());
    let history = format!("/api/incidents/{in_c}/history");
    assert_eq!(south.get(&history).await.0, 404);
    assert_eq!(north.get(&history).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_map_is_read_at_a_time() {
    let site = Site::open().await;
    let chief = site.signed_in("chief").await;
    // Whoever reads the map waits for it until `release` is dropped.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (hold, held) = std::sync::mpsc::channel();
    let file = std::sync::Arc::clone(&site.next_map);
    std::thread::spawn(move || {
        let _file = file.lock().unwrap();
        hold.send(()).unwrap();
        let _ = released.recv();
    });
    held.recv().unwrap();
    let [one, two] = [(), ()].map(|()| Box::pin(reload(&chief, false)));
    let (first, other) = match select(one, two).await {
        Either::Left(answered) | Either::Right(answered) => answered,
    };
    assert_eq!((first.0, &first.1["error"]), (503, &json!("busy")));
    drop(release);
    let (status, answer) = other.await;
    assert_eq!(status, 200, "{answer}");
    let counted = [r#"{outcome="busy"} 1"#, r#"{outcome="unchanged"} 1"#];
    assert_eq!(outcomes(&chief).await, counted);
}
