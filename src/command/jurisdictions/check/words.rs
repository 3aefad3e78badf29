//! What was found, for people.

use std::fmt::{self, Write as _};

use dispatcher::jurisdiction::{Authority, JurisdictionMap, Small};
use protocol::{JurisdictionId, LatLon};

use super::{Checked, OWNERSHIP};
use crate::command::map_file::summary;

/// Overlaps and gaps that are listed of each: a screen. The report and the JSON have all.
const SHOWN: usize = 10;

pub(super) fn of(checked: &Checked) -> String {
    let map = &checked.loaded.map;
    let mut text = Text {
        map,
        least_m2: checked.least_m2,
        lines: String::new(),
    };
    text.line(&summary(map));
    text.authority(!checked.loaded.says_authority);
    text.overlaps(checked);
    text.gaps(checked);
    text.line(&format!("rule: {OWNERSHIP}"));
    for notice in &checked.survey.notices {
        text.line(&format!("notice: {notice}"));
    }
    text.verdict(checked);
    text.lines
}

struct Text<'a> {
    map: &'a JurisdictionMap,
    least_m2: f64,
    lines: String,
}

impl Text<'_> {
    fn line(&mut self, line: &str) {
        self.lines.push_str(line);
        self.lines.push('\n');
    }

    fn authority(&mut self, silent: bool) {
        if silent {
            self.line("notice: the file does not say its `authority`; it is taken as approximate");
        }
        if self.map.authority() != Authority::Official {
            self.line(
                "notice: not official: a service starts with it only with \
                 site.allow_unofficial_map = true",
            );
        }
    }

    fn overlaps(&mut self, checked: &Checked) {
        let found = &checked.survey.overlaps;
        let pieces: usize = found.iter().map(|overlap| overlap.pieces.len()).sum();
        let sum_m2: f64 = found.iter().map(|overlap| overlap.area_m2).sum();
        let head = format!(
            "overlaps: {}, {} in {}",
            Count(found.len(), "pair of areas", "pairs of areas"),
            Size(sum_m2),
            Count(pieces, "piece", "pieces")
        );
        self.head(&head, checked.survey.small_overlaps);
        for overlap in found.iter().take(SHOWN) {
            let owner = self.called(&overlap.owner);
            let other = self.called(&overlap.other);
            let pieces = Count(overlap.pieces.len(), "piece", "pieces");
            let place = Place(overlap.somewhere());
            let size = Size(overlap.area_m2);
            self.line(&format!(
                "  {size} in {pieces}: {owner}, owner, and {other}; {place}"
            ));
        }
        self.rest(found.len());
    }

    fn gaps(&mut self, checked: &Checked) {
        let found = &checked.survey.gaps;
        let sum_m2: f64 = found.iter().map(|gap| gap.area_m2).sum();
        let head = format!(
            "gaps: {}, {}",
            Count(found.len(), "enclosed place", "enclosed places"),
            Size(sum_m2)
        );
        self.head(&head, checked.survey.small_gaps);
        for gap in found.iter().take(SHOWN) {
            let names: Vec<_> = gap.neighbours.iter().map(|id| self.called(id)).collect();
            let place = Place(gap.somewhere());
            let names = names.join(", ");
            self.line(&format!("  {}: beside {names}; {place}", Size(gap.area_m2)));
        }
        self.rest(found.len());
    }

    fn head(&mut self, head: &str, small: Small) {
        let least_m2 = self.least_m2;
        let left_out = match small.pieces {
            0 => format!("none is below {least_m2} m²"),
            pieces => format!(
                "{} below {least_m2} m² left out, {} together",
                Count(pieces, "piece", "pieces"),
                Size(small.area_m2)
            ),
        };
        self.line(&format!("{head}; {left_out}"));
    }

    fn rest(&mut self, count: usize) {
        if count > SHOWN {
            let more = count - SHOWN;
            self.line(&format!("  … and {more} more: --report or --json has all"));
        }
    }

    fn verdict(&mut self, checked: &Checked) {
        let doubts = checked.loaded.doubts().count();
        let repairs = checked.loaded.warnings.len() - doubts;
        if repairs > 0 {
            let repairs = Count(repairs, "thing was", "things were");
            self.line(&format!(
                "{repairs} repaired or left out, see standard error"
            ));
        }
        self.line(&match doubts {
            0 => "nothing keeps a service from reading it".to_owned(),
            doubts => {
                let reasons = Count(doubts, "reason", "reasons");
                format!("{reasons} for a service to refuse it, see standard error")
            }
        });
    }

    /// Its id, and its name where that is another.
    fn called(&self, id: &JurisdictionId) -> String {
        let mut called = id.to_string();
        if let Some(name) = self.map.name(id).filter(|name| *name != id.as_str()) {
            // Writing to a string cannot fail.
            let _ = write!(called, " ({name})");
        }
        called
    }
}

/// A number with its noun.
struct Count(usize, &'static str, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, one, many) = *self;
        write!(f, "{count} {}", if count == 1 { one } else { many })
    }
}

/// Square metres, and square kilometres beside them when there are many.
struct Size(f64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KM2: f64 = 1e6;
        const MANY_M2: f64 = 1e5;
        const FEW_M2: f64 = 10.0;
        let Self(m2) = *self;
        if m2 < FEW_M2 && m2 > 0.0 {
            return write!(f, "{m2:.2} m²");
        }
        write!(f, "{:.0} m²", m2.abs())?;
        if m2 >= MANY_M2 {
            write!(f, " ({:.3} km²)", m2 / KM2)?;
        }
        Ok(())
    }
}

/// As `ansim locate` takes it.
struct Place(Option<LatLon>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, "at {:.6} {:.6}", at.lat_deg(), at.lon_deg()),
            None => f.write_str("too small for a place"),
        }
    }
}
