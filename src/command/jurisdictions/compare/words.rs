//! What differs between two maps, in words and as JSON.

use std::fmt::Write as _;

use dispatcher::jurisdiction::{
    AreaChange, LEAST_ORPHAN_M2, LEAST_PIECE_M2, ORPHAN_BEYOND_M, Orphan, Patch,
};
use serde_json::{Value, json};

use super::Compared;
use super::positions::Tally;
use crate::command::map_file::summary;

/// The three ways in which an area is not the same.
fn kind(area: &AreaChange) -> &'static str {
    match (area.old_m2, area.new_m2) {
        (None, _) => "added",
        (_, None) => "gone",
        _ => "redrawn",
    }
}

pub(super) fn of(compared: &Compared, tally: Option<Tally>) -> String {
    let change = &compared.change;
    let mut text = String::new();
    let mut line = |words: String| {
        // A String takes whatever is written.
        let _ = writeln!(text, "{words}");
    };
    line(format!("old {}", summary(compared.old.map())));
    line(format!("new {}", summary(compared.new.map())));
    let count = |wanted: &str| {
        change
            .areas
            .iter()
            .filter(|area| kind(area) == wanted)
            .count()
    };
    line(format!(
        "areas: {} added, {} gone, {} redrawn, {} as before",
        count("added"),
        count("gone"),
        count("redrawn"),
        compared.new.map().areas().len() - count("added") - count("redrawn"),
    ));
    change.areas.iter().for_each(|area| line(area_words(area)));
    for (what, total_m2, patches) in [
        ("no more", change.uncovered_m2(), &change.uncovered),
        ("anew", change.covered_m2(), &change.covered),
    ] {
        line(format!(
            "covered {what}: {total_m2:.0} m2 in pieces of at least {LEAST_PIECE_M2} m2"
        ));
        for Patch {
            id, name, area_m2, ..
        } in patches
        {
            line(format!("  {id} ({name}): {area_m2:.0} m2"));
        }
    }
    orphan_words(&compared.orphans)
        .into_iter()
        .for_each(&mut line);
    if let Some(tally) = tally {
        line(tally_words(tally));
    }
    text
}

fn area_words(area: &AreaChange) -> String {
    let AreaChange {
        id,
        name,
        lost_m2,
        gained_m2,
        ..
    } = area;
    let head = format!("  {} {id} ({name}):", kind(area));
    match (area.old_m2, area.new_m2) {
        (Some(old_m2), Some(new_m2)) => format!(
            "{head} {old_m2:.0} m2, now {new_m2:.0} m2{}; gives {lost_m2:.0} m2, takes \
             {gained_m2:.0} m2",
            percent(old_m2, new_m2)
                .map(|percent| format!(" ({percent:+.2} %)"))
                .unwrap_or_default()
        ),
        (old_m2, new_m2) => format!("{head} {:.0} m2", old_m2.or(new_m2).unwrap_or_default()),
    }
}

/// By how much a surface has changed; unknown of one that was none.
fn percent(old_m2: f64, new_m2: f64) -> Option<f64> {
    (old_m2 > 0.0).then(|| (new_m2 / old_m2 - 1.0) * 100.0)
}

fn orphan_words(orphans: &[Orphan]) -> Vec<String> {
    if orphans.is_empty() {
        return vec![
            "no place is orphaned: whatever is covered no more is near an area".to_owned(),
        ];
    }
    let head = format!(
        "a running service refuses this map unless forced: it orphans pieces of at least \
         {LEAST_ORPHAN_M2:.0} m2 that reach farther than {ORPHAN_BEYOND_M:.0} m from every area"
    );
    let lines = orphans.iter().map(|orphan| {
        let Orphan {
            id, name, area_m2, ..
        } = orphan;
        let far = match orphan.farthest_m {
            Some(metres) => format!("up to {metres:.0} m away"),
            None => "beyond the reach of every area".to_owned(),
        };
        format!("  {id} ({name}): {area_m2:.0} m2, {far}")
    });
    std::iter::once(head).chain(lines).collect()
}

fn tally_words(tally: Tally) -> String {
    let Tally {
        rows,
        without_place,
        without_radius,
        changed,
    } = tally;
    let mut words = format!("positions: {rows} rows, {changed} change their owner");
    if without_place > 0 {
        let _ = write!(
            words,
            "; {without_place} have no place on Earth and are passed over"
        );
    }
    if without_radius > 0 {
        let _ = write!(
            words,
            "; {without_radius} have an unusable radius or confidence"
        );
    }
    words
}

pub(super) fn json(compared: &Compared, tally: Option<Tally>) -> Value {
    let change = &compared.change;
    let patches = |patches: &[Patch]| -> Vec<Value> {
        let one =
            |Patch {
                 id, name, area_m2, ..
             }: &Patch| { json!({ "id": id, "name": name, "area_m2": area_m2 }) };
        patches.iter().map(one).collect()
    };
    let areas = change.areas.iter().map(|area| {
        json!({
            "id": area.id, "name": area.name, "change": kind(area), "old_m2": area.old_m2,
            "new_m2": area.new_m2, "lost_m2": area.lost_m2, "gained_m2": area.gained_m2,
            "percent": area.old_m2.zip(area.new_m2).and_then(|(old, new)| percent(old, new)),
        })
    });
    let orphaned = compared.orphans.iter().map(|orphan| {
        json!({
            "id": orphan.id, "name": orphan.name, "area_m2": orphan.area_m2,
            "farthest_m": orphan.farthest_m,
        })
    });
    json!({
        "old": compared.old.map().version(),
        "new": compared.new.map().version(),
        "areas": areas.collect::<Vec<_>>(),
        "uncovered_m2": change.uncovered_m2(),
        "uncovered": patches(&change.uncovered),
        "covered_m2": change.covered_m2(),
        "covered": patches(&change.covered),
        "orphaned": orphaned.collect::<Vec<_>>(),
        "positions": tally.map(|tally| json!({
            "rows": tally.rows, "changed": tally.changed, "without_place": tally.without_place,
            "without_radius": tally.without_radius,
        })),
    })
}
