//! Whose place is it? Asked over HTTP, answered as the command line answers.

use serde_json::{Value, json};

use super::rooms::{IN_B, OFFICERS, Site, map};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn officers_of_every_role_and_desk_are_told_whose_place_it_is() {
    let site = Site::open().await;
    let place = json!({ "lat": IN_B.0, "lon": IN_B.1 });
    let expected = json!({
        "id": "b", "name": "b station", "agency": "North", "reason": "inside", "distance_m": null,
        "probability": null, "runners_up": [], "map": map().version().as_str(),
        "authority": "invented",
    });
    for (user, ..) in OFFICERS {
        let console = site.signed_in(user).await;
        assert_eq!(
            console.post("/api/locate", &place).await,
            (200, expected.clone()),
            "{user}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_is_the_one_of_the_index() {
    let site = Site::open().await;
    let console = site.signed_in("at-a").await;
    let ask = async |place: Value| console.post("/api/locate", &place).await.1;

    let outside = ask(json!({ "lat": 37.5, "lon": 126.99 })).await;
    assert_eq!(
        (&outside["id"], &outside["reason"]),
        (&json!("a"), &json!("nearest"))
    );
    let away_m = outside["distance_m"].as_f64().unwrap();
    assert!((880.0..890.0).contains(&away_m), "{outside}");

    // Two thirds of the circle's middle line lie in b.
    let wide =
        ask(json!({ "lat": 37.5, "lon": 128.05, "radius_m": 20_000, "confidence": 95 })).await;
    assert_eq!(
        (&wide["id"], &wide["reason"]),
        (&json!("b"), &json!("majority"))
    );
    assert!(wide["probability"].as_f64().unwrap() > 0.5, "{wide}");
    assert_eq!(wide["runners_up"][0]["id"], "a");

    let corner = |lat: f64, lon: f64| json!({ "lat": lat, "lon": lon });
    let corners = [(37.4, 127.9), (37.4, 128.3), (37.5, 128.3), (37.5, 127.9)];
    let corners = corners.map(|(lat, lon)| corner(lat, lon));
    let polygon = ask(json!({ "polygon": corners, "confidence": 80 })).await;
    assert_eq!(
        (&polygon["id"], &polygon["reason"]),
        (&json!("b"), &json!("majority"))
    );
    let probability = polygon["probability"].as_f64().unwrap();
    assert!((probability - 0.6).abs() < 1e-3, "{polygon}");

    let axes = json!({ "semi_major_m": 20_000, "semi_minor_m": 200, "orientation_deg": 90 });
    let ellipse = ask(json!({ "lat": 37.5, "lon": 128.05, "ellipse": axes })).await;
    assert_eq!(ellipse["reason"], "majority", "{ellipse}");

    let nowhere = ask(json!({ "lat": -37.5, "lon": 0.0, "radius_m": null })).await;
    assert_eq!(
        (&nowhere["id"], &nowhere["reason"]),
        (&Value::Null, &json!("none"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_place_is_refused_with_words() {
    let site = Site::open().await;
    let console = site.signed_in("viewer-at-a").await;
    let place = |more: Value| {
        let mut place = json!({ "lat": 37.5, "lon": 127.5 });
        place
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        place
    };
    for (body, word) in [
        (json!({ "lat": 37.5 }), "lon"),
        (place(json!({ "lat": 91.0 })), "lat"),
        (place(json!({ "lon": "127" })), "f64"),
        (place(json!({ "radius_m": -1 })), "radius_m"),
        (
            place(json!({ "radius_m": 10, "confidence": 100 })),
            "confidence",
        ),
        (place(json!({ "confidence": 68 })), "radius_m"),
        (place(json!({ "accuracy": 68 })), "accuracy"),
        (place(json!({ "polygon": [] })), "polygon"),
        (json!({ "polygon": [] }), "0 different corners"),
        (json!({}), "lat"),
        (
            place(json!({ "lat": 37.5, "more": " ".repeat(9_000) })),
            "8192",
        ),
    ] {
        let (status, answer) = console.post("/api/locate", &body).await;
        assert_eq!(
            (status, &answer["error"]),
            (422, &json!("bad_input")),
            "{body}"
        );
        assert!(
            answer["message"].as_str().unwrap().contains(word),
            "{word}: {answer}"
        );
    }
    let in_address = console.get("/api/locate?lat=37.5&lon=127.5").await;
    assert_eq!(in_address.0, 405, "a place is never in an address");
}
