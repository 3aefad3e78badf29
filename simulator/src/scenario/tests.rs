use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations};
use proptest::prelude::*;

use super::*;

/// Calls of Korea's 112 per second in the mean, as the files have it.
const NORMAL_PER_S: f64 = 0.6;

fn named(name: &str) -> Scenario {
    Scenario::named(name).unwrap_or_else(|error| panic!("{error}"))
}

fn text(name: &str) -> &'static str {
    built_in::text(name).unwrap().1
}

/// What a file is refused with after a change of its text.
fn refused(name: &str, from: &str, to: &str) -> String {
    let text = text(name);
    assert!(text.contains(from), "{name} has no `{from}`");
    Scenario::from_toml(&text.replacen(from, to, 1), "a.toml")
        .unwrap_err()
        .to_string()
}

#[test]
fn every_scenario_reads_and_is_called_after_its_file() {
    for name in NAMES {
        assert_eq!(named(name).name, name);
    }
    let error = Scenario::named("flood").unwrap_err().to_string();
    assert!(
        error.contains("`flood`") && error.contains("crowd-crush"),
        "{error}"
    );
}

#[test]
fn every_key_has_a_comment_above_it() {
    for name in NAMES {
        let lines: Vec<&str> = text(name).lines().collect();
        let keys = lines
            .windows(2)
            .filter(|pair| !pair[1].starts_with('#') && pair[1].contains(" = "));
        let mut count = 0;
        for pair in keys {
            count += 1;
            assert!(
                pair[0].starts_with("# "),
                "{name}: nothing explains `{}`",
                pair[1]
            );
        }
        assert!(count > 20, "{name}: {count} keys");
        assert!(
            lines.iter().all(|line| line.chars().count() <= 120),
            "{name}"
        );
    }
}

#[test]
fn the_first_comment_says_what_the_scenario_is_about() {
    for (name, said) in [
        ("quiet-night", "A quiet night"),
        ("saturday-night", "Saturday night"),
        ("crowd-crush", "120 alerts in 43 minutes inside 200 m"),
        ("typhoon", "at 56 times its normal rate"),
        ("earthquake", "862 alerts per second"),
        (
            "tracking",
            "100,000 phones, each with one position every five seconds",
        ),
        ("reconnect-storm", "everybody comes back at once"),
        ("abuse", "attacks the service while people need it"),
    ] {
        let comments = text(name).lines().map_while(|line| line.strip_prefix('#'));
        let first: String = comments.collect();
        assert!(first.contains(said), "{name}: {first}");
    }
}

#[test]
fn the_quiet_night_is_quieter_than_normal_and_saturday_is_not() {
    let per_s = |name| named(name).expected_alerts() / named(name).seconds;
    assert!(per_s("quiet-night") < NORMAL_PER_S);
    assert!(per_s("saturday-night") > NORMAL_PER_S);
}

#[test]
fn a_crush_is_120_alerts_in_43_minutes_in_one_place_and_10_and_100_times_that() {
    let crush = named("crowd-crush");
    for (wave, alerts) in crush.waves.iter().zip([120.0, 1_200.0, 12_000.0]) {
        let lasts_s = wave.end_s(crush.seconds) - wave.from_s;
        assert!((lasts_s - 43.0 * 60.0).abs() < f64::EPSILON);
        assert!((wave.alerts_per_s * lasts_s / alerts - 1.0).abs() < 1e-4);
        let WavePlace::Around { radius_m, .. } = wave.place else {
            panic!("{:?}", wave.place);
        };
        assert!(radius_m <= 200.0);
    }
}

#[test]
fn a_typhoon_is_56_times_normal_in_one_region_that_exists() {
    let typhoon = named("typhoon");
    let regions: Vec<_> = typhoon
        .waves
        .iter()
        .filter_map(|wave| match &wave.place {
            WavePlace::Agency(agency) => Some((agency, wave.alerts_per_s)),
            _ => None,
        })
        .collect();
    let [(region, more_per_s)] = regions[..] else {
        panic!("{regions:?}");
    };
    let rows = stations(KOREA_STATIONS_CSV).unwrap();
    let people = |agency: Option<&str>| -> u64 {
        let of_it = rows
            .iter()
            .filter(|row| agency.is_none_or(|name| row.agency == name));
        of_it.filter_map(|row| row.people).sum()
    };
    let normal = NORMAL_PER_S * people(Some(region)) as f64 / people(None) as f64;
    let times = (normal + more_per_s) / normal;
    assert!((times - 56.0).abs() < 0.05, "{times} times");
    let elsewhere = typhoon
        .waves
        .iter()
        .find(|wave| wave.place == WavePlace::Nation);
    assert!((elsewhere.unwrap().alerts_per_s - NORMAL_PER_S).abs() < 1e-9);
}

#[test]
fn an_earthquake_is_one_of_a_hundred_in_ten_minutes_clustered_and_redialled() {
    let quake = named("earthquake");
    assert!((quake.seconds - 600.0).abs() < f64::EPSILON);
    assert!((quake.expected_alerts() - 517_200.0).abs() < 1e-6);
    assert!((quake.expected_alerts() / 51.7e6 - 0.01).abs() < 1e-4);
    assert!(quake.waves[0].crowd.share > Crowd::default().share);
    assert!(quake.phones.redial_share > 0.0);
    assert!(quake.levels.receipt_p999_ms <= 1_000.0);
}

#[test]
fn tracking_and_the_storm_have_their_phones_before_they_matter() {
    let tracking = named("tracking");
    assert!((tracking.expected_alerts() - 100_000.0).abs() < 1e-6);
    assert!((tracking.phones.tracking_share - 1.0).abs() < f64::EPSILON);
    assert!((tracking.phones.position_every_s - 5.0).abs() < f64::EPSILON);
    let storm = named("reconnect-storm");
    let [Event::Restart { at_s, .. }] = storm.events[..] else {
        panic!("{:?}", storm.events);
    };
    assert!(storm.waves[0].until_s.unwrap() < at_s && at_s < storm.seconds);
    assert!(storm.levels.returned_within_s.is_some());
    let abuse = named("abuse").abuse.unwrap();
    for rate in [
        abuse.handshakes_per_s,
        abuse.garbage_per_s,
        abuse.unverified_per_s,
        abuse.stolen_token_per_s,
    ] {
        assert!(rate > 0.0, "{abuse:?}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    for (name, from, to, key) in [
        ("abuse", "seed = 1", "sead = 1", "sead"),
        ("abuse", "alerts_per_s", "alarms_per_s", "alarms_per_s"),
        ("abuse", "ticket_share", "tickets", "tickets"),
        ("abuse", "garbage_per_s", "rubbish_per_s", "rubbish_per_s"),
        (
            "abuse",
            "console_p99_ms",
            "console_p98_ms",
            "console_p98_ms",
        ),
        ("abuse", "handle_min", "handle", "handle"),
        ("crowd-crush", "radius_m", "radius", "radius"),
        ("crowd-crush", "most_followers", "followers", "followers"),
        ("quiet-night", "for_s = 120", "for = 120", "for"),
        ("reconnect-storm", "down_s", "down", "down"),
    ] {
        let error = refused(name, from, to);
        assert!(error.starts_with("a.toml: "), "{error}");
        let is_named = [
            format!("unknown field `{key}`"),
            format!("unexpected keys in table: {key},"),
        ];
        assert!(is_named.iter().any(|said| error.contains(said)), "{error}");
        let changed = text(name).replacen(from, to, 1);
        let at = changed.lines().position(|line| line.contains(to)).unwrap();
        // A table that is told apart by a key is refused at its head.
        let head = changed.lines().take(at).enumerate();
        let head = head.filter(|(_, line)| line.starts_with("[[")).last();
        let lines = [Some(at), head.map(|(at, _)| at)];
        assert!(
            lines
                .into_iter()
                .flatten()
                .any(|at| error.contains(&format!("line {},", at + 1))),
            "{error}"
        );
    }
    assert!(refused("abuse", "[levels]", "[level]").contains("`level`"));
}

#[test]
fn a_value_that_makes_no_sense_is_refused_with_its_key() {
    for (name, from, to, said) in [
        (
            "abuse",
            "seconds = 300",
            "seconds = nan",
            "`seconds` is NaN",
        ),
        (
            "abuse",
            "seconds = 300",
            "seconds = 86401",
            "at most 86400 s",
        ),
        (
            "abuse",
            "alerts_per_s = 20",
            "alerts_per_s = -1",
            "`waves[0].alerts_per_s` is -1",
        ),
        (
            "abuse",
            "alerts_per_s = 20",
            "alerts_per_s = inf",
            "`waves[0].alerts_per_s` is inf",
        ),
        (
            "abuse",
            "alerts_per_s = 20",
            "alerts_per_s = 90000",
            "27000000 alerts",
        ),
        (
            "abuse",
            "ticket_share = 0.5",
            "ticket_share = 50",
            "from 0 to 1: it is a share",
        ),
        (
            "abuse",
            "garbage_per_s = 100",
            "garbage_per_s = 1e9",
            "`abuse.garbage_per_s`",
        ),
        (
            "abuse",
            "first_look_s = 10",
            "first_look_s = -0.1",
            "`desks.first_look_s` is -0.1",
        ),
        (
            "abuse",
            "national_after_s = 30",
            "national_after_s = 14",
            "from 15 to",
        ),
        (
            "abuse",
            "target_share_15_s = 0.9",
            "target_share_15_s = 0",
            "more than 0",
        ),
        (
            "abuse",
            "receipt_p999_ms = 2000",
            "receipt_p999_ms = 0",
            "`levels.receipt_p999_ms`",
        ),
        (
            "abuse",
            "name = \"abuse\"",
            "name = \"../a\"",
            "`name` is \"../a\"",
        ),
        (
            "abuse",
            "seats_national = 40",
            "seats_national = 100001",
            "at most 100000",
        ),
        (
            "crowd-crush",
            "until_s = 5160",
            "until_s = 2579",
            "`waves[1].until_s` is 2579",
        ),
        (
            "crowd-crush",
            "from_s = 5160",
            "from_s = 7741",
            "`waves[2].from_s` is 7741",
        ),
        (
            "crowd-crush",
            "lat = 37.5559",
            "lat = 91",
            "`waves[0].where.around` is 91",
        ),
        (
            "crowd-crush",
            "radius_m = 200",
            "radius_m = 2e6",
            "`waves[0].where.around.radius_m`",
        ),
        (
            "crowd-crush",
            "delay_s = 5",
            "delay_s = 0",
            "`waves[0].crowd.delay_s`",
        ),
        (
            "typhoon",
            "\"부산광역시경찰청\"",
            "\"\"",
            "`waves[1].where.agency` is empty",
        ),
        (
            "reconnect-storm",
            "at_s = 240",
            "at_s = 421",
            "`events[0].at_s` is 421",
        ),
        (
            "reconnect-storm",
            "down_s = 5",
            "down_s = 500",
            "`events[0].down_s` is 500",
        ),
        (
            "reconnect-storm",
            "returned_within_s = 30",
            "returned_within_s = 0",
            "returned_within_s",
        ),
        (
            "quiet-night",
            "at_s = 300",
            "at_s = -300",
            "`desks.shift_change.at_s` is -300",
        ),
    ] {
        let error = refused(name, from, to);
        assert!(
            error.starts_with("a.toml: ") && error.contains(said),
            "{error}"
        );
    }
}

#[test]
fn another_seed_changes_nothing_else() {
    let quake = named("earthquake");
    let other = quake.clone().with_seed(7);
    assert_eq!(other.seed, 7);
    assert_eq!(other.with_seed(quake.seed), quake);
}

#[test]
fn json_keeps_a_scenario() {
    for name in NAMES {
        let json = serde_json::to_string(&named(name)).unwrap();
        assert_eq!(
            serde_json::from_str::<Scenario>(&json).unwrap(),
            named(name)
        );
    }
}

proptest! {
    #[test]
    fn a_short_form_has_the_same_nature(seconds in 1.0..5_000.0, factor in 0.001..1.0) {
        for name in NAMES {
            let (long, short) = (named(name), named(name).shortened(seconds, factor));
            prop_assert!(short.check("short").is_ok() || short.expected_alerts() > MAX_ALERTS);
            let times = short.expected_alerts() / long.expected_alerts();
            let wanted = factor * seconds / long.seconds;
            prop_assert!((times / wanted - 1.0).abs() < 1e-9, "{} times", times);
            prop_assert_eq!(long.waves.len(), short.waves.len());
            prop_assert_eq!(long.events.len(), short.events.len());
            prop_assert_eq!(&long.phones, &short.phones);
            prop_assert!(short.summary.contains("Short form"));
        }
    }
}
