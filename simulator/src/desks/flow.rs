//! Who looks at which alert when: a discrete-event simulation of all rooms, exact to the microsecond.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Numbers of rooms: the stations first, then the provincial rooms, and the national desk last.
pub(super) type RoomNumber = u32;

/// Nobody has looked.
pub(super) const NEVER_US: u64 = u64::MAX;

/// An alert as work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Task {
    /// Since the start.
    pub(super) at_us: u64,
    /// Whose it is.
    pub(super) owner: RoomNumber,
    /// How long it keeps a seat busy, first look included.
    pub(super) service_us: u64,
}

/// What holds for all rooms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rules {
    /// The provincial room of each station.
    pub(super) province_of: Vec<RoomNumber>,
    /// All rooms together, the national desk included.
    pub(super) rooms: u32,
    /// After this long without a look the provincial room may take it as well.
    pub(super) province_after_us: u64,
    /// And the national desk; not before the provincial room.
    pub(super) national_after_us: u64,
    /// Between these two moments half of the seats of each room are taken, rounded up.
    pub(super) half_between_us: Option<(u64, u64)>,
    /// Nothing happens any more.
    pub(super) until_us: u64,
}

impl Rules {
    fn national(&self) -> RoomNumber {
        self.rooms - 1
    }
}

/// A first look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Look {
    /// From the press until a seat turned to it; [`NEVER_US`].
    pub(super) wait_us: u64,
    /// Where.
    pub(super) room: RoomNumber,
}

impl Look {
    pub(super) const NONE: Self = Self {
        wait_us: NEVER_US,
        room: RoomNumber::MAX,
    };
}

/// The first look at each task, in their order. Tasks are in the order of their times; `seats` has one
/// number for each room.
///
/// A free seat takes what has been longest in its room. It stays with it to the end, then takes the
/// next. At the same microsecond seats become free first, shifts change next, and alerts come in the
/// order of the chain.
pub(super) fn first_looks(rules: &Rules, tasks: &[Task], seats: &[u32]) -> Vec<Look> {
    let mut flow = Flow::new(rules, tasks, seats);
    while flow.step() {}
    flow.looks
}

struct Room {
    seats: u32,
    busy: u32,
    /// Numbers of tasks; some may have been looked at elsewhere.
    queue: VecDeque<u32>,
}

struct Flow<'a> {
    rules: &'a Rules,
    tasks: &'a [Task],
    looks: Vec<Look>,
    rooms: Vec<Room>,
    is_half: bool,
    /// When seats become free, the earliest first.
    ends: BinaryHeap<Reverse<(u64, RoomNumber)>>,
    /// Delays are the same for all, so three cursors over the same list are all the timers there are.
    arrived: usize,
    told_province: usize,
    told_national: usize,
    /// Changes of shift that are over: none, its beginning, its end.
    changed: usize,
}

/// What happens next, in the order in which things happen at the same time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    SeatIsFree,
    ShiftChanges,
    AlertArrives,
    ProvinceIsTold,
    NationIsTold,
}

impl<'a> Flow<'a> {
    fn new(rules: &'a Rules, tasks: &'a [Task], seats: &[u32]) -> Self {
        let room = |seats: &u32| Room {
            seats: *seats,
            busy: 0,
            queue: VecDeque::new(),
        };
        Self {
            rules,
            tasks,
            looks: vec![Look::NONE; tasks.len()],
            rooms: seats.iter().map(room).collect(),
            is_half: false,
            ends: BinaryHeap::new(),
            arrived: 0,
            told_province: 0,
            told_national: 0,
            changed: 0,
        }
    }

    /// Lets the next thing happen, if anything does before the end.
    fn step(&mut self) -> bool {
        let Some((now_us, next)) = self.next() else {
            return false;
        };
        if now_us > self.rules.until_us {
            return false;
        }
        match next {
            Next::SeatIsFree => {
                if let Some(Reverse((_, room))) = self.ends.pop() {
                    self.rooms[room as usize].busy -= 1;
                    self.fill(room, now_us);
                }
            }
            Next::ShiftChanges => {
                self.changed += 1;
                self.is_half = self.changed == 1;
                if !self.is_half {
                    (0..self.rules.rooms).for_each(|room| self.fill(room, now_us));
                }
            }
            Next::AlertArrives => {
                let task = self.arrived;
                self.arrived += 1;
                self.offer(task, self.tasks[task].owner, now_us);
            }
            Next::ProvinceIsTold => {
                let task = self.told_province;
                self.told_province += 1;
                let owner = self.tasks[task].owner as usize;
                if let Some(province) = self.rules.province_of.get(owner) {
                    self.offer(task, *province, now_us);
                }
            }
            Next::NationIsTold => {
                let task = self.told_national;
                self.told_national += 1;
                if self.tasks[task].owner != self.rules.national() {
                    self.offer(task, self.rules.national(), now_us);
                }
            }
        }
        true
    }

    fn next(&self) -> Option<(u64, Next)> {
        let told = |cursor: usize, after_us: u64| {
            let task = self.tasks.get(cursor)?;
            Some(task.at_us.saturating_add(after_us))
        };
        let (province_us, national_us) =
            (self.rules.province_after_us, self.rules.national_after_us);
        let change = self
            .rules
            .half_between_us
            .and_then(|(from_us, to_us)| [from_us, to_us].get(self.changed).copied());
        [
            (
                self.ends.peek().map(|Reverse((at_us, _))| *at_us),
                Next::SeatIsFree,
            ),
            (change, Next::ShiftChanges),
            (told(self.arrived, 0), Next::AlertArrives),
            (told(self.told_province, province_us), Next::ProvinceIsTold),
            (told(self.told_national, national_us), Next::NationIsTold),
        ]
        .into_iter()
        .filter_map(|(at_us, next)| Some((at_us?, next)))
        .min()
    }

    fn has_free_seat(&self, room: RoomNumber) -> bool {
        let Room { seats, busy, .. } = &self.rooms[room as usize];
        let taken = if self.is_half {
            seats.div_ceil(2)
        } else {
            *seats
        };
        *busy < taken
    }

    /// A room is told of a task: a free seat takes it, or it waits.
    fn offer(&mut self, task: usize, room: RoomNumber, now_us: u64) {
        if self.looks[task] != Look::NONE || self.rooms[room as usize].seats == 0 {
            return;
        }
        if self.has_free_seat(room) {
            self.take(task, room, now_us);
        } else if let Ok(number) = u32::try_from(task) {
            self.rooms[room as usize].queue.push_back(number);
        }
    }

    /// Free seats of a room take what waits in it.
    fn fill(&mut self, room: RoomNumber, now_us: u64) {
        while self.has_free_seat(room) {
            let Some(task) = self.rooms[room as usize].queue.pop_front() else {
                return;
            };
            if self.looks[task as usize] == Look::NONE {
                self.take(task as usize, room, now_us);
            }
        }
    }

    fn take(&mut self, task: usize, room: RoomNumber, now_us: u64) {
        let Task {
            at_us, service_us, ..
        } = self.tasks[task];
        self.looks[task] = Look {
            wait_us: now_us - at_us,
            room,
        };
        self.rooms[room as usize].busy += 1;
        let end_us = now_us.saturating_add(service_us);
        self.ends.push(Reverse((end_us, room)));
    }
}

#[cfg(test)]
mod tests;
