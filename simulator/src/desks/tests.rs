use dispatcher::desk::Desk;
use dispatcher::jurisdiction::JurisdictionIndex;
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations, stations_only};
use protocol::JurisdictionId;

use super::*;
use crate::plan::Plan;

fn korea() -> (JurisdictionIndex, Rooms) {
    let index = JurisdictionIndex::new(stations_only(KOREA_STATIONS_CSV).unwrap());
    let rooms = Rooms::of(index.map());
    (index, rooms)
}

fn scenario(name: &str) -> Scenario {
    Scenario::named(name).unwrap()
}

fn run_of(scenario: &Scenario) -> DeskRun {
    let (index, rooms) = korea();
    let plan = Plan::of(scenario, &stations(KOREA_STATIONS_CSV).unwrap()).unwrap();
    DeskRun::new(scenario, &rooms, owners(plan, &index, &rooms))
}

#[test]
fn korea_has_its_rooms() {
    let (_, rooms) = korea();
    assert_eq!(rooms.count(), 262 + 18 + 1);
    let desk = |text| rooms.room(&Desk::parse(text).unwrap());
    let jongno = desk("station:서울특별시경찰청/서울종로경찰서");
    assert!(matches!(jongno, Room::Station(_)), "{jongno:?}");
    let seoul = desk("province:서울특별시경찰청");
    assert!(matches!(seoul, Room::Province(_)), "{seoul:?}");
    let above = rooms.province_numbers()[rooms.number(jongno) as usize];
    assert_eq!(above, rooms.number(seoul));
    assert_eq!(desk("national"), Room::National);
    assert_eq!(desk("station:nobody"), Room::National);
    assert_eq!(rooms.room_of(None), Room::National);
    let id = JurisdictionId::new("서울특별시경찰청/서울종로경찰서");
    assert_eq!(rooms.room_of(Some(&id)), jongno);
}

#[test]
fn what_if_is_a_number_of_seats() {
    assert_eq!(what_if("seats=400"), Ok(400));
    for text in ["seats=", "seats=-1", "seats=1.5", "seat=4", "400", ""] {
        let said = what_if(text).unwrap_err().to_string();
        assert!(
            said.contains(&format!("`{text}`")) && said.contains("seats=N"),
            "{said}"
        );
    }
}

#[test]
fn without_alerts_nobody_waits() {
    let (_, rooms) = korea();
    let people = DeskRun::new(&scenario("quiet-night"), &rooms, Vec::new()).people(None);
    assert!(people.passed);
    assert_eq!((people.never, people.seats_needed), (0, Some(0)));
    assert!((people.within_15_s - 1.0).abs() < f64::EPSILON);
}

#[test]
fn the_seats_needed_meet_the_target_and_fewer_do_not() {
    for (name, is_met) in [
        ("quiet-night", true),
        ("saturday-night", true),
        ("typhoon", false),
    ] {
        let scenario = scenario(name);
        let run = run_of(&scenario);
        let people = run.people(None);
        let target = scenario.desks.target_share_15_s;
        let needed = people.seats_needed.unwrap();
        assert!(run.within_15_s(needed) >= target, "{name}");
        assert!(
            run.within_15_s(needed - 1 - needed / 1_000) < target,
            "{name}"
        );
        assert_eq!(people.passed, people.within_15_s >= target, "{name}");
        assert_eq!(people.passed, is_met, "{name}: {people:?}");
        assert_eq!(people.seats, run.seats());
        let what_if = run.people(Some(needed));
        assert!(
            what_if.passed && what_if.seats == needed,
            "{name}: {what_if:?}"
        );
        assert_eq!(what_if.seats_needed, people.seats_needed);
        let of_curve = |seats| people.curve.iter().find(|point| point.seats == seats);
        let own = of_curve(run.seats()).unwrap().within_15_s;
        assert!((own - people.within_15_s).abs() < f64::EPSILON, "{name}");
        assert!(of_curve(needed).is_some(), "{name}");
    }
}

#[test]
fn an_earthquake_is_missed_by_far_and_the_number_is_said() {
    // A tenth of the people and of the seats: the same nature, and the test takes a second.
    let mut quake = scenario("earthquake").shortened(600.0, 0.1);
    quake.desks.seats_per_station = 1;
    quake.desks.seats_per_province = 1;
    quake.desks.seats_national = 1;
    let people = run_of(&quake).people(None);
    assert!(!people.passed && people.within_15_s < 0.02, "{people:?}");
    assert!(people.never > 40_000, "{people:?}");
    let needed = people.seats_needed.unwrap();
    // 517 of a thousand each: nearly everybody needs a seat of their own within ten minutes.
    assert!((15_000..50_000).contains(&needed), "{needed}");
}

#[test]
fn where_those_who_are_told_in_time_have_no_seats_no_number_is_enough() {
    let mut night = scenario("quiet-night");
    night.desks.seats_per_station = 0;
    night.desks.seats_per_province = 0;
    let people = run_of(&night).people(None);
    assert_eq!(people.seats_needed, None);
    assert!(!people.passed && people.seats == 10);
    night.desks.seats_national = 0;
    let people = run_of(&night).people(Some(9));
    assert_eq!(people.never, run_of(&night).tasks.len() as u64);
    assert!(people.worst_wait_s.abs() < f64::EPSILON);
}

#[test]
fn more_seats_are_better_for_all_together() {
    let scenario = scenario("saturday-night");
    assert!(scenario.desks.shift_change.is_some());
    for seed in 0..4 {
        let run = run_of(&scenario.clone().with_seed(seed));
        let shares: Vec<f64> = (1..60).map(|n| run.within_15_s(n * 40)).collect();
        for (fewer, more) in shares.iter().zip(&shares[1..]) {
            // A single person may wait longer; see the head of the module.
            assert!(*more >= fewer - 0.002, "{fewer} and then {more}");
        }
        assert!(shares[58] > shares[0] + 0.3);
    }
}

#[test]
fn false_presses_take_their_share_and_less_time() {
    let desks = scenario("earthquake").desks;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mean_s = (0..100_000)
        .map(|_| service_us(&desks, &mut rng) as f64)
        .sum::<f64>()
        / 1e11;
    let expected_s = 10.0 + 60.0 * (0.85 * 3.0 + 0.15 * 12.0);
    assert!(
        (mean_s / expected_s - 1.0).abs() < 0.02,
        "{mean_s} {expected_s}"
    );
}
