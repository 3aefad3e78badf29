//! The rooms of a map, and whose alerts are whose.

use std::collections::BTreeMap;
use std::time::Duration;

use dispatcher::desk::Desk;
use dispatcher::jurisdiction::{JurisdictionIndex, JurisdictionMap};
use protocol::{JurisdictionId, UnixMillis};

use super::DeskAlert;
use super::flow::RoomNumber;
use super::seats::{RoomKind, Staffing};
use crate::plan::Press;
use crate::scenario::Desks;

/// A room with officers. Numbers are those of [`Rooms`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Room {
    /// Of a station.
    Station(u32),
    /// Of a provincial agency.
    Province(u32),
    /// The national desk.
    National,
}

/// All rooms of a map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rooms {
    stations: BTreeMap<JurisdictionId, u32>,
    /// Of each station, by its number; absent where the map names no agency.
    province_of: Vec<Option<u32>>,
    provinces: BTreeMap<String, u32>,
}

impl Rooms {
    /// A room for each jurisdiction, each provincial agency, and the nation.
    #[must_use]
    pub fn of(map: &JurisdictionMap) -> Self {
        let mut rooms = Self {
            stations: BTreeMap::new(),
            province_of: Vec::new(),
            provinces: BTreeMap::new(),
        };
        for (number, id) in (0..).zip(map.jurisdictions()) {
            let next = rooms.provinces.len() as u32;
            let province = map.agency(id);
            let province =
                province.map(|name| *rooms.provinces.entry(name.to_owned()).or_insert(next));
            rooms.stations.insert(id.clone(), number);
            rooms.province_of.push(province);
        }
        rooms
    }

    /// The room of a desk; of one that is not on the map, the national desk's.
    #[must_use]
    pub fn room(&self, desk: &Desk) -> Room {
        let known = match desk {
            Desk::Station(id) => self.stations.get(id).copied().map(Room::Station),
            Desk::Province(name) => self.provinces.get(name).copied().map(Room::Province),
            Desk::National => None,
        };
        known.unwrap_or(Room::National)
    }

    /// The room of a jurisdiction, as an assignment names it.
    #[must_use]
    pub fn room_of(&self, jurisdiction: Option<&JurisdictionId>) -> Room {
        let known = jurisdiction.and_then(|id| self.stations.get(id));
        known.map_or(Room::National, |number| Room::Station(*number))
    }

    /// All rooms together, the national desk included.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.first_province() + self.provinces.len() as u32 + 1
    }

    fn first_province(&self) -> RoomNumber {
        self.province_of.len() as RoomNumber
    }

    pub(super) fn number(&self, room: Room) -> RoomNumber {
        match room {
            Room::Station(number) => number,
            Room::Province(number) => self.first_province() + number,
            Room::National => self.count() - 1,
        }
    }

    /// The room above each station.
    pub(super) fn province_numbers(&self) -> Vec<RoomNumber> {
        let above = |province: &Option<u32>| province.map_or(Room::National, Room::Province);
        let above = self.province_of.iter().map(above);
        above.map(|room| self.number(room)).collect()
    }

    pub(super) fn staffing(&self, desks: &Desks) -> Staffing {
        let kind = |rooms: usize, seats: u32| RoomKind {
            rooms: rooms as u32,
            seats,
        };
        [
            kind(self.stations.len(), desks.seats_per_station),
            kind(self.provinces.len(), desks.seats_per_province),
            kind(1, desks.seats_national),
        ]
    }
}

/// What comes to the desks when everybody of a plan presses and the machine loses no time: each alert
/// at once, at the room of the place that its phone says first.
#[must_use]
pub fn owners(
    plan: impl Iterator<Item = Press>,
    index: &JurisdictionIndex,
    rooms: &Rooms,
) -> Vec<DeskAlert> {
    let owner = |press: Press| {
        // The clock of the phone decides nothing about whose place it is.
        let fix = |since_press| press.person.position(since_press, UnixMillis::new(0));
        // Whoever leaves with the receipt never sends the fix that comes later.
        let later = || fix(press.person.interval).filter(|_| press.conduct.tracks);
        let position = fix(Duration::ZERO).or_else(later);
        let assignment = index.locate_position(position.as_ref());
        DeskAlert {
            at: press.at,
            owner: rooms.room_of(assignment.jurisdiction.as_ref()),
        }
    };
    plan.map(owner).collect()
}
