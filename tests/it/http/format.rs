//! The format of the log: who may raise it, and to what.

use journal::LogName;
use protocol::{FormatVersion, Header, Subject};
use serde_json::json;

use super::rooms::{OFFICERS, Site};
use crate::support::site::now;

const PATH: &str = "/api/format/raise";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn supervisors_of_the_national_desk_may_and_nobody_else() {
    let site = Site::open().await;
    let known = json!({ "to": FormatVersion::KNOWN.0 });
    assert_eq!(site.console().post(PATH, &known).await.0, 401);
    for (user, role, desk) in OFFICERS {
        let may = (role, desk) == ("supervisor", "national");
        let console = site.signed_in(user).await;
        let (status, answer) = console.post(PATH, &known).await;
        assert_eq!(status, if may { 200 } else { 403 }, "{user}: {answer}");
        if !may {
            assert_eq!(answer["error"], "may_not_raise");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_raised_to_nothing_unknown_and_never_lowered_and_health_says_what_it_is() {
    let site = Site::open().await;
    let chief = site.signed_in("chief").await;
    let (known, first) = (FormatVersion::KNOWN.0, FormatVersion::FIRST.0);
    let formats = async || {
        let (_, health) = chief.get("/healthz").await;
        (
            health["format_known"].clone(),
            health["format_in_force"].clone(),
        )
    };
    assert_eq!(formats().await, (known.into(), first.into()));
    let end = site.log.journal.end(LogName::Alerts);
    let (status, answer) = chief.post(PATH, &json!({ "to": first })).await;
    assert_eq!(
        (status, answer),
        (200, json!({ "format": first, "was": first }))
    );
    let (status, answer) = chief.post(PATH, &json!({ "to": known + 1 })).await;
    assert_eq!(
        (status, &answer["error"]),
        (409, &json!("format_not_raised"))
    );
    let words = answer["message"].as_str().unwrap();
    assert!(words.contains("knows no format above"), "{words}");
    assert_eq!(chief.post(PATH, &json!({ "to": "1" })).await.0, 422);
    assert_eq!(
        site.log.journal.end(LogName::Alerts),
        end,
        "nothing was said"
    );

    // A dispatcher of a newer release does it.
    let header = Header {
        time: now(),
        day: now().day(),
        subject: Subject::Site(protocol::Site::FormatInForce(FormatVersion(known + 1))),
    };
    let entry = protocol::join(&header.encode(), &[]);
    let appended = site.log.journal.append(LogName::Alerts, vec![entry]).await;
    appended.unwrap();
    let mut events = chief.events(None, None).await;
    while formats().await != (known.into(), (known + 1).into()) {
        // Whoever is at the board is told of it with the next event.
        events.next().await.expect("the stream goes on");
    }
    let (status, answer) = chief.post(PATH, &json!({ "to": known })).await;
    assert_eq!(status, 409);
    let words = answer["message"].as_str().unwrap();
    assert!(words.contains("none is ever lowered"), "{words}");
}
