//! What the measures come to: the parts of a report.

use std::collections::BTreeMap;
use std::time::Duration;

use dispatcher::desk::Desk;
use protocol::LatLon;

use super::phone::Phone;
use super::{Measures, Stranger};
use crate::desks::{DeskAlert, Room, Rooms};
use crate::report::{Cell, Latency, Machine, Second};

/// Numbers that only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Presses that were to be made by now, or later by phones that have pressed once.
    pub offered: u64,
    /// Presses that phones took.
    pub begun: u64,
    /// With a receipt.
    pub receipted: u64,
    /// Of these, in 0-RTT data that the relay took.
    pub receipted_early: u64,
    /// On the console.
    pub on_board: u64,
    /// Fixes on the console that are older than the one before.
    pub reordered: u64,
    /// Positions that phones sent.
    pub positions_sent: u64,
    /// Positions that the console saw.
    pub positions_seen: u64,
    /// Desks on the console that could be judged.
    pub to_judge: u64,
    /// Desks that were.
    pub judged: u64,
}

/// How far a load has come.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Progress {
    /// What was counted.
    pub counts: Counts,
    /// Press to receipt, 99 of 100 so far, in milliseconds.
    pub receipt_p99_ms: f64,
    /// Press to console, 99 of 100 so far, in milliseconds.
    pub console_p99_ms: f64,
    /// Incidents on the console that are nobody's so far.
    pub strangers: u64,
}

impl Measures {
    /// How far it has come; costs little.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress {
            counts: self.counts,
            receipt_p99_ms: self.times.receipt_p99_ms(),
            console_p99_ms: self.times.console_p99_ms(),
            strangers: self.strangers.len() as u64,
        }
    }

    /// Every press has its receipt and is on the console.
    #[must_use]
    pub fn are_settled(&self) -> bool {
        let Counts {
            begun,
            receipted,
            on_board,
            ..
        } = self.counts;
        receipted == begun && on_board == begun
    }

    /// Presses of incidents on the console that are nobody's. Where others use the service as well, they
    /// are theirs; else each is one too many.
    #[must_use]
    pub fn of_nobody(&self) -> u64 {
        let known = self.strangers.values().map(Stranger::presses);
        known.sum::<u64>() + self.forgotten
    }

    /// What is known about the service, not judged yet; without what is nobody's.
    #[must_use]
    pub fn machine(&self) -> Machine {
        let on_board: u64 = self.phones.iter().map(Phone::on_board).sum();
        let doubled: u64 = self.phones.iter().map(Phone::doubled).sum();
        let wrong = self.phones.iter().filter(|row| row.is_at_a_wrong_desk);
        Machine {
            raised: self.counts.begun,
            receipted: self.counts.receipted,
            on_board,
            lost: self.counts.begun.saturating_sub(on_board),
            doubled,
            reordered: self.counts.reordered,
            map_mismatches: wrong.count() as u64,
            positions_sent: self.counts.positions_sent,
            positions_seen: self.counts.positions_seen,
            stages: self.times.stages(),
            ..Machine::default()
        }
    }

    /// How late presses were begun.
    #[must_use]
    pub fn lateness(&self) -> Latency {
        self.times.lateness()
    }

    /// One row for each second since the start.
    #[must_use]
    pub fn seconds(&self) -> Vec<Second> {
        self.seconds.rows()
    }

    /// Where people pressed who said where they were.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells: BTreeMap<(i32, i32), u64> = BTreeMap::new();
        for place in self.phones.iter().filter_map(|row| row.first_place) {
            *cells.entry(tenths(place.at)).or_default() += 1;
        }
        let cell = |((lat_tenths, lon_tenths), alerts)| Cell {
            lat_tenths,
            lon_tenths,
            alerts,
        };
        cells.into_iter().map(cell).collect()
    }

    /// What comes to the desks: each phone once, when its person pressed and where the console has it.
    #[must_use]
    pub fn desk_alerts(&self, rooms: &Rooms) -> Vec<DeskAlert> {
        let room = |name: &String| Desk::parse(name).map(|desk| rooms.room(&desk));
        let room = |name| room(name).unwrap_or(Room::National);
        let of_desk: Vec<Room> = self.desks.names.iter().map(room).collect();
        let alert = |row: &Phone| {
            let press = row.presses[0].as_ref()?;
            let owner = of_desk.get(usize::from(row.desk));
            Some(DeskAlert {
                at: Duration::from_micros(press.intended_us),
                owner: owner.copied().unwrap_or(Room::National),
            })
        };
        self.phones.iter().filter_map(alert).collect()
    }
}

/// The south-western corner of a place's cell.
fn tenths(at: LatLon) -> (i32, i32) {
    // In range by what a latitude and a longitude are.
    let tenths = |degrees: f64| (degrees * 10.0).floor() as i32;
    (tenths(at.lat_deg()), tenths(at.lon_deg()))
}
