//! Uncertain places: the dispatcher's answer beside the plain loop's, and runs over a map in which
//! nearly every street has a border.

use ansim::demo;
use dispatcher::jurisdiction::{Area, Authority, JurisdictionIndex, MAX_RUNNERS_UP};
use geo::{LineString, Polygon};
use protocol::{Assignment, Millis, Position, RadiusMetres, Reason, UnixMillis};
use simulator::plain_loop::radius_95_m;

use super::*;
use crate::support::require::{Need, require};

/// What shares may differ by between the two, as parts of the circle.
const ALLOWED: f64 = 0.002;

/// The least probability of a circle that was widened to 95 %.
const WIDENED_TO: f64 = 0.95;

/// Both answers to one position; says what the dispatcher's reason was.
fn compare(index: &JurisdictionIndex, plain: &PlainMap, position: &Position) -> Reason {
    let radius_m = radius_95_m(position.radius, position.confidence);
    let answer = index.locate_position(Some(position));
    let right = plain.owners_of_circle(position.at, radius_m);
    let is_right = match &answer.jurisdiction {
        Some(id) => right.contains(&id),
        None => right.is_empty(),
    };
    assert!(is_right, "{answer:?}, but right are {right:?}");
    let shares = plain.shares(position.at, radius_m);
    if matches!(answer.reason, Reason::Majority | Reason::Split) {
        let given = position
            .confidence
            .map_or(0.0, |given| given.percent() / 100.0);
        compare_shares(&answer, &shares, given.max(WIDENED_TO));
    } else if let [(_, largest), (_, second), ..] = shares.as_slice() {
        assert!(
            *second < ALLOWED || *largest > 1.0 - ALLOWED,
            "{answer:?}, but {shares:?}"
        );
    }
    answer.reason
}

fn compare_shares(answer: &Assignment, shares: &[(&JurisdictionId, f64)], certainty: f64) {
    let share_of = |wanted: &JurisdictionId| {
        let found = shares.iter().find(|(id, _)| *id == wanted);
        found.map_or(0.0, |(_, share)| share * certainty)
    };
    let owner = answer.jurisdiction.as_ref().unwrap();
    let said = answer.probability.unwrap();
    assert!(
        (said - share_of(owner)).abs() < ALLOWED,
        "{answer:?}, but {shares:?}"
    );
    assert_eq!(answer.reason == Reason::Majority, said >= 0.5, "{answer:?}");
    for other in &answer.runners_up {
        let said = other.probability.unwrap();
        assert!(
            (said - share_of(&other.jurisdiction)).abs() < ALLOWED,
            "{answer:?}, but {shares:?}"
        );
    }
    let touched = shares.iter().filter(|(_, share)| *share > ALLOWED).count();
    assert!(
        answer.runners_up.len() >= (touched - 1).min(MAX_RUNNERS_UP),
        "{answer:?}, but {shares:?}"
    );
}

/// How often an answer has this reason when everybody of a plan says where they are.
fn reasons(map: &JurisdictionMap, people: usize) -> BTreeMap<Reason, usize> {
    let (index, plain) = (JurisdictionIndex::new(map.clone()), PlainMap::new(map));
    let mut reasons = BTreeMap::new();
    for press in demo::plan(SHORT).unwrap().take(people) {
        let now = UnixMillis::new(1_795_245_000_000).plus(Millis::from_secs(1));
        let first_fix = press.person.position(Duration::from_secs(1), now);
        if let Some(position) = first_fix {
            *reasons
                .entry(compare(&index, &plain, &position))
                .or_default() += 1;
        }
    }
    reasons
}

#[test]
fn the_shares_of_the_dispatcher_are_those_of_the_plain_loop() {
    let Some(districts) = require(Need::Districts) else {
        return;
    };
    let (map, _) = demo::map_of_korea(Some(&districts)).unwrap();
    let reasons = reasons(&map, 1_000);
    println!("{reasons:?}");
    for reason in [
        Reason::Inside,
        Reason::Majority,
        Reason::Split,
        Reason::Nearest,
    ] {
        assert!(reasons.contains_key(&reason), "{reasons:?}");
    }
    // Circles wider than any phone of the plan has.
    let (index, plain) = (JurisdictionIndex::new(map.clone()), PlainMap::new(&map));
    for (row, radius_m) in map
        .stations()
        .iter()
        .step_by(5)
        .zip([5e3, 2e4, 5e4].iter().cycle())
    {
        let position = Position {
            radius: RadiusMetres::new(*radius_m).ok(),
            ..Position::at(row.at)
        };
        compare(&index, &plain, &position);
    }
}

#[test]
fn shares_agree_where_every_street_has_a_border() {
    let reasons = reasons(&strips(), 150);
    println!("{reasons:?}");
    for reason in [Reason::Inside, Reason::Majority, Reason::Split] {
        assert!(
            reasons.get(&reason).is_some_and(|count| *count > 10),
            "{reasons:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_over_many_borders_is_right() {
    let (report, met) = with_copy(strips(), Fault::None, PATIENT).await;
    assert!(report.counts.raised > 5, "{report:?}");
    assert_eq!((report.exit_code(), met), (0, 0), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_that_forgets_how_wide_circles_are_is_found_out() {
    let (report, forgotten) = with_copy(strips(), Fault::ForgetRadius, PATIENT_IN_VAIN).await;
    assert!(forgotten > 0);
    assert!(report.counts.map_mismatches > 0, "{report:?}");
    assert_eq!(
        (
            report.counts.lost,
            report.counts.duplicated,
            report.exit_code()
        ),
        (0, 0, 1),
        "{report:?}"
    );
}

/// Upright strips all over Korea, 40 m and 120 m wide in turns: of a place in a narrow one that is
/// known to 60 m, its wide neighbours have more.
fn strips() -> JurisdictionMap {
    const WEST_DEG: f64 = 123.5;
    const EAST_DEG: f64 = 131.5;
    const SOUTH_DEG: f64 = 31.5;
    const NORTH_DEG: f64 = 39.0;
    /// Of the two together; 89 km are a degree in the middle of Korea.
    const PAIR_DEG: f64 = 0.001_8;
    let pairs = ((EAST_DEG - WEST_DEG) / PAIR_DEG) as u32;
    let strip = |number: u32| {
        let lon_deg = WEST_DEG + PAIR_DEG * f64::from(number / 2);
        let quarter_deg = PAIR_DEG / 4.0;
        let (west, east) = match number % 2 {
            0 => (lon_deg, lon_deg + quarter_deg),
            _ => (
                lon_deg + quarter_deg,
                WEST_DEG + PAIR_DEG * f64::from(number / 2 + 1),
            ),
        };
        let corners = [
            (west, SOUTH_DEG),
            (east, SOUTH_DEG),
            (east, NORTH_DEG),
            (west, NORTH_DEG),
            (west, SOUTH_DEG),
        ];
        Area {
            id: JurisdictionId::new(format!("strip {number}")),
            name: format!("strip {number}"),
            agency: None,
            polygons: vec![Polygon::new(LineString::from(corners.to_vec()), Vec::new())],
        }
    };
    let (korea, _) = demo::map_of_korea(None).unwrap();
    JurisdictionMap::new(MapParts {
        name: "strips".to_owned(),
        authority: Authority::Invented,
        label: None,
        areas: (0..2 * pairs).map(strip).collect(),
        stations: korea.stations().to_vec(),
        reach_m: korea.reach_m(),
    })
}
