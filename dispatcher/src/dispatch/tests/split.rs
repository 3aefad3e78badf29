//! A fix that is too wide for one station.

use protocol::{RadiusMetres, Reason};

use super::*;

#[test]
fn a_split_is_told_to_both_stations_and_owned_by_one() {
    let mut site = Site::with_border();
    let position = |lat| Position {
        radius: RadiusMetres::new(500.0).ok(),
        ..Position::at(LatLon::new(lat, 127.0).unwrap())
    };
    site.raise_with(ALERT, 1, Some(position(36.0001)));
    let id = site.incident().id();
    let sees = |site: &Site| -> Vec<_> {
        [
            "station:a",
            "station:b",
            "province:agency of a",
            "province:agency of b",
            "station:c",
        ]
        .into_iter()
        .filter(|desk| {
            site.dispatch
                .visible(&Desk::parse(desk).unwrap(), &id)
                .is_some()
        })
        .collect()
    };
    let both = [
        "station:a",
        "station:b",
        "province:agency of a",
        "province:agency of b",
    ];
    assert_eq!(sees(&site), both, "as soon as it is computed");
    site.settle();
    let (assigned, _) = site.incident().assigned().unwrap();
    assert_eq!(assigned.assignment.reason, Reason::Split);
    let owner = site.incident().lifecycle().owner_desk();
    assert_eq!(owner.map(|desk| desk.as_str()), Some("station:a"));
    assert_eq!(sees(&site), both);
    // The other station may be the one whose officer is there first.
    let lee = officer("lee", "station:b", Role::Officer);
    let revision = site.incident().lifecycle().revision();
    site.command(1, &lee, Wish::Acknowledge(revision)).unwrap();
    site.settle();
    assert_eq!(site.incident().lifecycle().state(), State::Acknowledged);
    let wish = Wish::Close {
        revision: site.incident().lifecycle().revision(),
        outcome: Outcome::Helped,
        note: String::new(),
    };
    site.command(2, &lee, wish).unwrap();
    site.settle();
    assert_eq!(site.incident().lifecycle().state(), State::Closed);
    assert_eq!(sees(&site), both, "who closed it reads what became of it");
}

#[test]
fn who_is_unlikely_is_named_and_not_told() {
    let mut site = Site::with_border();
    let position = Position {
        radius: RadiusMetres::new(500.0).ok(),
        ..Position::at(LatLon::new(36.003, 127.0).unwrap())
    };
    site.raise_with(ALERT, 1, Some(position));
    site.settle();
    let (assigned, _) = site.incident().assigned().unwrap();
    assert_eq!(assigned.assignment.reason, Reason::Majority);
    assert_eq!(assigned.assignment.runners_up.len(), 1);
    let id = site.incident().id();
    let b = Desk::parse("station:b").unwrap();
    assert!(site.dispatch.visible(&b, &id).is_none());
}
