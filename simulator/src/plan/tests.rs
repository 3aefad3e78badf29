use std::collections::{BTreeMap, BTreeSet};

use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations};

use super::*;
use crate::people::Trust;
use crate::scenario::WavePlace;

fn rows() -> Vec<StationRow> {
    stations(KOREA_STATIONS_CSV).unwrap()
}

fn endless(seed: u64) -> Vec<Press> {
    Plan::new(seed, 10.0, Places::new(&rows()).unwrap())
        .unwrap()
        .take(500)
        .collect()
}

fn scenario(name: &str) -> Scenario {
    Scenario::named(name).unwrap()
}

fn plan_of(scenario: &Scenario) -> Plan {
    Plan::of(scenario, &rows()).unwrap()
}

fn east_and_north_m(from: LatLon, to: LatLon) -> (f64, f64) {
    let metres = 6_371_009.0_f64.to_radians();
    let east = (to.lon_deg() - from.lon_deg()) * from.lat_deg().to_radians().cos();
    (east * metres, (to.lat_deg() - from.lat_deg()) * metres)
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    let one = endless(1);
    assert_eq!(one, endless(1));
    assert_ne!(one, endless(2));
    let quake = scenario("earthquake");
    let first = |scenario: &Scenario| plan_of(scenario).take(300).collect::<Vec<_>>();
    assert_eq!(first(&quake), first(&quake));
    assert_ne!(first(&quake), first(&quake.clone().with_seed(2)));
}

#[test]
fn no_two_phones_are_the_same() {
    let typhoon: Vec<Press> = plan_of(&scenario("typhoon")).collect();
    for presses in [endless(3), typhoon] {
        let devices: BTreeSet<_> = presses.iter().map(|press| press.person.device).collect();
        let seeds: BTreeSet<_> = presses.iter().map(|press| press.person.seed).collect();
        assert_eq!((devices.len(), seeds.len()), (presses.len(), presses.len()));
    }
}

#[test]
fn waves_come_in_order_at_their_rates_and_end_with_the_scenario() {
    for (name, factor) in [
        ("typhoon", 1.0),
        ("earthquake", 0.01),
        ("saturday-night", 2.0),
    ] {
        let scenario = scenario(name).shortened(600.0, factor);
        let presses: Vec<Press> = plan_of(&scenario).collect();
        assert!(presses.is_sorted_by_key(|press| press.at));
        assert!(
            presses
                .iter()
                .all(|press| press.at < Duration::from_secs(600))
        );
        let expected = scenario.expected_alerts();
        // Crowds triple the variance of a count at the most; five deviations.
        let slack = 5.0 * (3.0 * expected).sqrt();
        let count = presses.len() as f64;
        assert!(
            (count - expected).abs() < slack,
            "{name}: {count} for {expected}"
        );
    }
}

#[test]
fn phones_behave_as_the_scenario_says() {
    let mut scenario = scenario("crowd-crush").shortened(600.0, 3.0);
    scenario.phones.bad_network_share = 0.25;
    scenario.phones.ticket_share = 0.75;
    let presses: Vec<Press> = plan_of(&scenario).collect();
    let phones = &scenario.phones;
    let share = |is: &dyn Fn(&Press) -> bool| {
        presses.iter().filter(|press| is(press)).count() as f64 / presses.len() as f64
    };
    let shares = [
        (share(&|press| press.conduct.tracks), phones.tracking_share),
        (share(&|press| press.conduct.has_ticket), 0.75),
        (share(&|press| press.conduct.has_bad_network), 0.25),
        (
            share(&|press| press.redial_after().is_some()),
            phones.redial_share,
        ),
    ];
    assert!(presses.len() > 3_000);
    for (measured, wanted) in shares {
        assert!(
            (measured - wanted).abs() < 0.04,
            "{measured} instead of {wanted}"
        );
    }
    let now = UnixMillis::new(1_795_245_000_000);
    for press in &presses {
        let others = press
            .person
            .acts
            .iter()
            .filter(|(_, act)| *act != Act::PressAgain);
        assert_eq!(others.count(), 0);
        assert_eq!(press.person.interval, Duration::from_secs(5));
        let promises = press.raise(Duration::ZERO, now).interval.is_some();
        assert_eq!(
            promises,
            press.conduct.tracks && press.person.place().is_some()
        );
    }
}

#[test]
fn a_crush_is_inside_its_circle() {
    let crush = scenario("crowd-crush");
    let WavePlace::Around { lat, lon, radius_m } = crush.waves[0].place else {
        panic!("no circle");
    };
    let middle = LatLon::new(lat, lon).unwrap();
    let only_crush = Scenario {
        waves: crush.waves[..3].to_vec(),
        ..crush
    };
    let places: Vec<_> = plan_of(&only_crush)
        .filter_map(|press| press.person.place())
        .collect();
    assert!(places.len() > 10_000);
    for at in places {
        let (east_m, north_m) = east_and_north_m(middle, at);
        assert!(east_m.hypot(north_m) < radius_m + 0.1, "{at:?}");
    }
}

#[test]
fn a_typhoon_is_over_its_region_and_a_normal_day_elsewhere() {
    let typhoon = scenario("typhoon");
    let busan = LatLon::new(35.16, 129.05).unwrap();
    let mut near = 0;
    let mut all = 0;
    for at in plan_of(&typhoon).filter_map(|press| press.person.place()) {
        let (east_m, north_m) = east_and_north_m(busan, at);
        near += u32::from(east_m.hypot(north_m) < 40_000.0);
        all += 1;
    }
    let share = f64::from(near) / f64::from(all);
    // 2.18 of 2.78 per second, and what the region and its neighbours have on every day.
    assert!((0.76..0.86).contains(&share), "{share}");
}

#[test]
fn who_shares_an_event_shares_a_street() {
    let quake = scenario("earthquake").shortened(60.0, 0.2);
    let mut wave = WaveStream::of(&quake, 0, &rows()).unwrap();
    let mut streets: BTreeMap<u64, Vec<LatLon>> = BTreeMap::new();
    while let Some((arrival, at)) = wave.next() {
        streets.entry(arrival.event).or_default().push(at);
    }
    let crowds = streets.values().filter(|people| people.len() > 1);
    assert!(crowds.clone().count() > 500);
    for people in crowds {
        for at in people {
            let (east_m, north_m) = east_and_north_m(people[0], *at);
            assert!(east_m.hypot(north_m) < 12.0 * STREET_M);
        }
    }
}

#[test]
fn an_agency_that_has_no_station_is_named() {
    let mut typhoon = scenario("typhoon");
    typhoon.waves[1].place = WavePlace::Agency("경찰청".to_owned());
    let error = Plan::of(&typhoon, &rows()).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("waves[1].where.agency") && said.contains("`경찰청`"),
        "{said}"
    );
    assert!(said.contains("부산광역시경찰청, "), "{said}");
    assert_eq!(
        Plan::of(&scenario("abuse"), &[]).unwrap_err(),
        PlanError::NoStations
    );
}

#[test]
fn a_wave_without_a_rate_is_nobody() {
    let mut quiet = scenario("quiet-night");
    quiet.waves[0].alerts_per_s = 0.0;
    assert_eq!(plan_of(&quiet).count(), 0);
}

#[test]
fn nuisances_come_at_their_rates_and_a_stolen_token_is_one_device() {
    let abuse = scenario("abuse");
    let all: Vec<Nuisance> = Nuisances::of(&abuse, &rows()).unwrap().collect();
    assert!(all.is_sorted_by_key(|one| one.at));
    assert!(all.last().unwrap().at < Duration::from_secs(300));
    let rates = abuse.abuse.clone().unwrap();
    let counted = |is: &dyn Fn(&NuisanceKind) -> bool, per_s: f64| {
        let count = all.iter().filter(|one| is(&one.kind)).count() as f64;
        let expected = per_s * abuse.seconds;
        assert!(
            (count - expected).abs() < 5.0 * expected.sqrt(),
            "{count} for {expected}"
        );
    };
    counted(
        &|kind| *kind == NuisanceKind::Handshake,
        rates.handshakes_per_s,
    );
    counted(
        &|kind| matches!(kind, NuisanceKind::Garbage(_)),
        rates.garbage_per_s,
    );
    counted(
        &|kind| matches!(kind, NuisanceKind::Unverified(_)),
        rates.unverified_per_s,
    );
    counted(
        &|kind| matches!(kind, NuisanceKind::StolenToken(_)),
        rates.stolen_token_per_s,
    );
    let mut thieves = BTreeSet::new();
    for one in &all {
        match &one.kind {
            NuisanceKind::StolenToken(person) => {
                assert_eq!(person.trust, Trust::Enrolled);
                thieves.insert(person.device);
            }
            NuisanceKind::Unverified(person) => {
                assert!(!matches!(person.trust, Trust::Enrolled | Trust::Expired));
            }
            _ => {}
        }
    }
    assert_eq!(thieves.len(), 1);
    assert_eq!(
        Nuisances::of(&abuse, &rows()).unwrap().collect::<Vec<_>>(),
        all
    );
    let calm = Nuisances::of(&scenario("earthquake"), &rows()).unwrap();
    assert_eq!(calm.count(), 0);
}
