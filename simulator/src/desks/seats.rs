//! How many seats each room has.

/// Rooms of one kind, which all have the same number of seats at the scenario's own staffing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RoomKind {
    /// How many rooms.
    pub(super) rooms: u32,
    /// Seats in each.
    pub(super) seats: u32,
}

/// Stations, provincial rooms and the national desk, in the order of the rooms' numbers.
pub(super) type Staffing = [RoomKind; 3];

/// All seats of all rooms.
pub(super) fn total(staffing: &Staffing) -> u64 {
    let of_kind = |kind: &RoomKind| u64::from(kind.rooms) * u64::from(kind.seats);
    staffing.iter().map(of_kind).sum()
}

/// So many seats all together, shared out as the staffing has them: one number for each room.
///
/// A divisor method (Webster 1832): seat k of a room with weight w is given at the factor (k + 1/2)/w,
/// and the first `seats` of these are given; at the same factor the kinds come in their order, and the
/// rooms in theirs. So with one seat more no room has one less, which the method of the largest
/// remainder does not promise. Where no room has a seat there are none to share out.
pub(super) fn shared_out(staffing: &Staffing, seats: u64) -> Vec<u32> {
    let all = total(staffing);
    let rooms: u64 = staffing.iter().map(|kind| u64::from(kind.rooms)).sum();
    if all == 0 {
        return vec![0; usize::try_from(rooms).unwrap_or(0)];
    }
    // Rounding up gives half a seat too many to each room at the most: so far no order matters.
    let surely = seats.saturating_sub(rooms) as f64 / all as f64;
    let mut given = staffing.map(|kind| (f64::from(kind.seats) * surely).round() as u32);
    let mut left = seats - total_of(staffing, &given);
    loop {
        let factor =
            |kind: &usize| (f64::from(given[*kind]) + 0.5) / f64::from(staffing[*kind].seats);
        let kinds = (0..staffing.len())
            .filter(|kind| staffing[*kind].seats > 0 && staffing[*kind].rooms > 0);
        let next = kinds.min_by(|one, other| factor(one).total_cmp(&factor(other)));
        let Some(next) = next else {
            return expanded(staffing, &given, None);
        };
        let rooms = u64::from(staffing[next].rooms);
        if left < rooms {
            return expanded(staffing, &given, Some((next, left)));
        }
        given[next] += 1;
        left -= rooms;
    }
}

fn total_of(staffing: &Staffing, given: &[u32; 3]) -> u64 {
    let pairs = staffing.iter().zip(given);
    pairs
        .map(|(kind, seats)| u64::from(kind.rooms) * u64::from(*seats))
        .sum()
}

/// One number for each room; the first rooms of a kind may have one more.
fn expanded(staffing: &Staffing, given: &[u32; 3], more: Option<(usize, u64)>) -> Vec<u32> {
    let rooms_of = |kind: usize| (0..staffing[kind].rooms).map(move |room| (kind, room));
    (0..staffing.len())
        .flat_map(rooms_of)
        .map(|(kind, room)| {
            let has_more = more.is_some_and(|(of, left)| of == kind && u64::from(room) < left);
            given[kind] + u32::from(has_more)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(seats: [u32; 3], rooms: [u32; 3]) -> Staffing {
        std::array::from_fn(|kind| RoomKind {
            rooms: rooms[kind],
            seats: seats[kind],
        })
    }

    #[test]
    fn at_the_scenarios_own_number_rooms_have_the_scenarios_seats() {
        let staffing = kinds([6, 10, 8], [262, 18, 1]);
        let shared = shared_out(&staffing, total(&staffing));
        assert_eq!(shared.len(), 281);
        assert!(shared[..262].iter().all(|seats| *seats == 6));
        assert!(shared[262..280].iter().all(|seats| *seats == 10));
        assert_eq!(shared[280], 8);
        assert_eq!(shared_out(&kinds([0; 3], [4, 2, 1]), 9), [0; 7]);
        assert_eq!(
            shared_out(&kinds([2, 0, 1], [2, 3, 1]), 5),
            [2, 2, 0, 0, 0, 1]
        );
    }

    proptest! {
        #[test]
        fn all_are_shared_out_and_one_more_takes_none_away(
            seats in prop::array::uniform3(0_u32..12),
            rooms in prop::array::uniform3(1_u32..20),
            number in 0_u64..3_000,
        ) {
            let staffing = kinds(seats, rooms);
            prop_assume!(total(&staffing) > 0);
            let (fewer, more) = (shared_out(&staffing, number), shared_out(&staffing, number + 1));
            let sum = |seats: &[u32]| seats.iter().copied().map(u64::from).sum::<u64>();
            prop_assert_eq!((sum(&fewer), sum(&more)), (number, number + 1));
            prop_assert!(fewer.iter().zip(&more).all(|(fewer, more)| fewer <= more));
            // Nobody is more than a seat from their share, but for who has none at all.
            let factor = number as f64 / total(&staffing) as f64;
            let kind_of = |room: usize| if room < rooms[0] as usize { 0 }
                else if room < (rooms[0] + rooms[1]) as usize { 1 } else { 2 };
            for (room, given) in fewer.iter().enumerate() {
                let weight = seats[kind_of(room)];
                prop_assert!(weight > 0 || *given == 0);
                let share = f64::from(weight) * factor;
                prop_assert!((f64::from(*given) - share).abs() < 1.0 + f64::from(weight) / 2.0);
            }
        }
    }
}
