use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp};

use super::*;

const SECOND_US: f64 = 1e6;

/// One room and nobody above it.
fn one_room() -> Rules {
    Rules {
        province_of: Vec::new(),
        rooms: 1,
        province_after_us: 0,
        national_after_us: 0,
        half_between_us: None,
        until_us: u64::MAX - 1,
    }
}

/// Tasks of one room: Poisson arrivals, and services by what is drawn for each.
fn poisson(
    seed: u64,
    number: usize,
    per_s: f64,
    mut service_s: impl FnMut(&mut ChaCha8Rng) -> f64,
) -> Vec<Task> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let pause_s = Exp::new(per_s).unwrap();
    let mut at_s = 0.0;
    (0..number)
        .map(|_| {
            at_s += pause_s.sample(&mut rng);
            Task {
                at_us: (at_s * SECOND_US) as u64,
                owner: 0,
                service_us: (service_s(&mut rng) * SECOND_US) as u64,
            }
        })
        .collect()
}

/// Chance of having to wait with `seats` seats at `load` Erlang (Erlang 1917, formula C).
fn erlang_c(seats: u32, load: f64) -> f64 {
    // By formula B and its recursion, which does not overflow.
    let blocked = (1..=seats).fold(1.0, |blocked, n| {
        load * blocked / (f64::from(n) + load * blocked)
    });
    let seats = f64::from(seats);
    seats * blocked / (seats - load * (1.0 - blocked))
}

#[test]
fn the_formula_has_the_values_of_the_tables() {
    // One seat: the load itself. Two seats at 1 Erlang: 1/3. Ten at 8: 0.4092.
    assert!((erlang_c(1, 0.5) - 0.5).abs() < 1e-12);
    assert!((erlang_c(2, 1.0) - 1.0 / 3.0).abs() < 1e-12);
    assert!((erlang_c(10, 8.0) - 0.4092).abs() < 1e-4);
}

#[test]
fn exponential_services_wait_as_erlang_says() {
    const NUMBER: usize = 400_000;
    for (seats, load) in [(1, 0.6), (4, 2.8), (10, 8.0), (40, 34.0)] {
        let mean_s = 60.0;
        let service_s = Exp::new(1.0 / mean_s).unwrap();
        let per_s = load / mean_s;
        let tasks = poisson(7, NUMBER, per_s, |rng| service_s.sample(rng));
        let looks = first_looks(&one_room(), &tasks, &[seats]);
        let share = |longer_than_s: f64| {
            let longer = |look: &&Look| look.wait_us as f64 > longer_than_s * SECOND_US;
            looks.iter().filter(longer).count() as f64 / NUMBER as f64
        };
        let waits = erlang_c(seats, load);
        let leaves_per_s = (f64::from(seats) - load) / mean_s;
        assert!(
            (share(0.0) / waits - 1.0).abs() < 0.03,
            "{seats}: {} {waits}",
            share(0.0)
        );
        for longer_than_s in [15.0, 60.0] {
            let expected = waits * (-leaves_per_s * longer_than_s).exp();
            let measured = share(longer_than_s);
            assert!(
                (measured - expected).abs() < 0.01,
                "{seats}: {measured} {expected}"
            );
        }
        let sum: f64 = looks
            .iter()
            .map(|look| look.wait_us as f64 / SECOND_US)
            .sum();
        let (mean, expected) = (sum / NUMBER as f64, waits / leaves_per_s);
        assert!(
            (mean / expected - 1.0).abs() < 0.06,
            "{seats}: {mean} {expected}"
        );
    }
}

#[test]
fn constant_services_at_one_seat_wait_half_as_long() {
    // Pollaczek 1930, Khinchin 1932: load * service / (2 * (1 - load)).
    let (load, service_s) = (0.7, 30.0);
    let tasks = poisson(3, 400_000, load / service_s, |_| service_s);
    let looks = first_looks(&one_room(), &tasks, &[1]);
    let sum: f64 = looks
        .iter()
        .map(|look| look.wait_us as f64 / SECOND_US)
        .sum();
    let (mean, expected) = (sum / 400_000.0, load * service_s / (2.0 * (1.0 - load)));
    assert!((mean / expected - 1.0).abs() < 0.04, "{mean} {expected}");
}

/// Two stations of one province, one of another, two provincial rooms, the nation: six rooms.
fn chain() -> Rules {
    Rules {
        province_of: vec![3, 3, 4],
        rooms: 6,
        province_after_us: 15,
        national_after_us: 30,
        half_between_us: None,
        until_us: 10_000,
    }
}

fn task(at_us: u64, owner: RoomNumber, service_us: u64) -> Task {
    Task {
        at_us,
        owner,
        service_us,
    }
}

fn looks(rules: &Rules, tasks: &[Task], seats: &[u32]) -> Vec<(u64, RoomNumber)> {
    let looks = first_looks(rules, tasks, seats);
    looks.iter().map(|look| (look.wait_us, look.room)).collect()
}

#[test]
fn who_is_not_looked_at_goes_up_the_chain() {
    let tasks: Vec<Task> = (0..4).map(|n| task(n, 0, 100)).collect();
    // One seat in each room: station, province after 15, nation after 30, and then the station again.
    let wanted = [(0, 0), (15, 3), (30, 5), (97, 0)];
    assert_eq!(looks(&chain(), &tasks, &[1, 1, 1, 1, 1, 1]), wanted);
    // The other station and the other province never help.
    let wanted = [(NEVER_US, u32::MAX); 4];
    assert_eq!(looks(&chain(), &tasks, &[0, 9, 9, 0, 9, 0]), wanted);
    // An alert of the nation is nobody else's, and a province has its own at once.
    let tasks = [task(0, 5, 10), task(1, 4, 10), task(2, 4, 50)];
    let wanted = [(9_999, 5), (0, 4), (10, 4)];
    let nation_is_late = [task(0, 5, 9_999), task(0, 5, 10), tasks[1], tasks[2]];
    let late = looks(&chain(), &nation_is_late, &[9, 9, 9, 9, 1, 1]);
    assert_eq!(late[1], wanted[0]);
    assert_eq!(late[2..], [(0, 4), (9, 4)]);
}

/// What the head of `desks` warns of: the reason why more seats are better for all together only.
#[test]
fn in_a_chain_another_seat_may_make_somebody_else_wait_longer() {
    let rules = Rules {
        province_of: vec![3, 3, 3],
        rooms: 5,
        ..chain()
    };
    let tasks = [
        task(0, 0, 5),
        task(0, 1, 17),
        task(1, 1, 100),
        task(2, 2, 1),
    ];
    let waits = |seats: [u32; 5]| -> Vec<u64> {
        let looks = first_looks(&rules, &tasks, &seats);
        looks.iter().map(|look| look.wait_us).collect()
    };
    assert_eq!(waits([0, 1, 0, 1, 0]), [15, 0, 16, 18]);
    // The provincial room is free when it is told of the long case, and busy when the last one comes.
    assert_eq!(waits([1, 1, 0, 1, 0]), [0, 0, 15, 114]);
}

#[test]
fn half_of_the_seats_are_empty_while_shifts_change() {
    let rules = Rules {
        half_between_us: Some((10, 60)),
        ..one_room()
    };
    // Two sit from 0 to 20; then one of them goes until 60.
    let tasks = [
        task(0, 0, 20),
        task(0, 0, 20),
        task(12, 0, 100),
        task(13, 0, 5),
        task(14, 0, 5),
    ];
    let wanted = [(0, 0), (0, 0), (8, 0), (47, 0), (51, 0)];
    assert_eq!(looks(&rules, &tasks, &[2]), wanted);
    // A single seat is never left.
    assert_eq!(looks(&rules, &[task(12, 0, 1)], &[1]), [(0, 0)]);
}

#[test]
fn after_the_end_nobody_looks() {
    let rules = Rules {
        until_us: 50,
        ..one_room()
    };
    let tasks = [task(0, 0, 50), task(0, 0, 1), task(0, 0, 1), task(51, 0, 1)];
    let wanted = [(0, 0), (50, 0), (NEVER_US, u32::MAX), (NEVER_US, u32::MAX)];
    assert_eq!(looks(&rules, &tasks, &[1]), wanted);
}

/// The same by looking at every room in every microsecond.
fn plainly(rules: &Rules, tasks: &[Task], seats: &[u32]) -> Vec<Look> {
    let national = rules.rooms - 1;
    // When each room is told of each task.
    let told_us = |task: &Task, room: RoomNumber| {
        if room == task.owner {
            return Some(task.at_us);
        }
        let province = rules.province_of.get(task.owner as usize);
        if province == Some(&room) {
            return Some(task.at_us + rules.province_after_us);
        }
        (room == national).then_some(task.at_us + rules.national_after_us)
    };
    let mut looks = vec![Look::NONE; tasks.len()];
    let mut ends: Vec<(u64, RoomNumber)> = Vec::new();
    for now_us in 0..=rules.until_us {
        let is_half = rules
            .half_between_us
            .is_some_and(|(from, to)| from < now_us && now_us <= to);
        let capacity = |is_half: bool, room: RoomNumber| match is_half {
            true => seats[room as usize].div_ceil(2) as usize,
            false => seats[room as usize] as usize,
        };
        // The longest in the room first, and only who came before.
        let fill =
            |room: RoomNumber, is_half, looks: &mut Vec<Look>, ends: &mut Vec<(u64, u32)>| {
                let mut waiting: Vec<(u64, bool, usize)> = (0..tasks.len())
                    .filter(|n| looks[*n] == Look::NONE)
                    .filter_map(|n| Some((told_us(&tasks[n], room)?, tasks[n].owner != room, n)))
                    .filter(|(told, ..)| *told < now_us)
                    .collect();
                waiting.sort_unstable();
                for (.., n) in waiting {
                    let busy = ends.iter().filter(|(_, at)| *at == room).count();
                    if busy < capacity(is_half, room) {
                        looks[n] = Look {
                            wait_us: now_us - tasks[n].at_us,
                            room,
                        };
                        ends.push((now_us + tasks[n].service_us, room));
                    }
                }
            };
        for room in 0..rules.rooms {
            ends.retain(|(end, at)| *at != room || *end > now_us);
            fill(room, is_half, &mut looks, &mut ends);
        }
        let is_half = rules
            .half_between_us
            .is_some_and(|(from, to)| from <= now_us && now_us < to);
        for room in 0..rules.rooms {
            fill(room, is_half, &mut looks, &mut ends);
        }
        for level in 0..3 {
            for (n, task) in tasks.iter().enumerate() {
                let province = rules.province_of.get(task.owner as usize).copied();
                let room = match level {
                    0 => Some(task.owner),
                    1 => province,
                    _ => Some(national).filter(|room| *room != task.owner),
                };
                let Some(room) = room.filter(|room| told_us(task, *room) == Some(now_us)) else {
                    continue;
                };
                let busy = ends.iter().filter(|(_, at)| *at == room).count();
                if looks[n] == Look::NONE && busy < capacity(is_half, room) {
                    looks[n] = Look {
                        wait_us: now_us - task.at_us,
                        room,
                    };
                    ends.push((now_us + task.service_us, room));
                }
            }
        }
    }
    looks
}

prop_compose! {
    fn any_tasks(rooms: u32)(
        mut tasks in prop::collection::vec((0..120_u64, 0..rooms, 1..40_u64), 0..50)
    ) -> Vec<Task> {
        tasks.sort_unstable_by_key(|(at_us, ..)| *at_us);
        tasks.into_iter().map(|(at_us, owner, service_us)| task(at_us, owner, service_us)).collect()
    }
}

proptest! {
    #[test]
    fn the_same_as_by_looking_everywhere_all_the_time(
        tasks in any_tasks(6),
        seats in prop::collection::vec(0..3_u32, 6),
        province_after_us in 0..20_u64,
        more_us in 0..20_u64,
        change in prop::option::of((0..100_u64, 1..60_u64)),
    ) {
        let rules = Rules {
            province_after_us,
            national_after_us: province_after_us + more_us,
            half_between_us: change.map(|(from, lasts)| (from, from + lasts)),
            until_us: 200,
            ..chain()
        };
        prop_assert_eq!(first_looks(&rules, &tasks, &seats), plainly(&rules, &tasks, &seats));
    }

    #[test]
    fn in_one_room_another_seat_makes_nobody_wait_longer(
        tasks in any_tasks(1),
        seats in 0..6_u32,
        change in prop::option::of((0..100_u64, 1..60_u64)),
    ) {
        let rules = Rules {
            half_between_us: change.map(|(from, lasts)| (from, from + lasts)),
            ..one_room()
        };
        let fewer = first_looks(&rules, &tasks, &[seats]);
        let more = first_looks(&rules, &tasks, &[seats + 1]);
        for (fewer, more) in fewer.iter().zip(&more) {
            prop_assert!(more.wait_us <= fewer.wait_us, "{} {}", more.wait_us, fewer.wait_us);
        }
    }

    #[test]
    fn nobody_is_looked_at_twice_and_no_seat_looks_at_two(
        tasks in any_tasks(6),
        seats in prop::collection::vec(0..3_u32, 6),
    ) {
        let looks = first_looks(&chain(), &tasks, &seats);
        prop_assert_eq!(looks.len(), tasks.len());
        for (room, seats) in seats.iter().enumerate() {
            let of_room = tasks.iter().zip(&looks).filter(|(_, look)| look.room as usize == room);
            let spans: Vec<_> = of_room
                .map(|(task, look)| (task.at_us + look.wait_us, task.service_us))
                .collect();
            for (begin, _) in &spans {
                let busy = spans.iter().filter(|(from, lasts)| from <= begin && begin < &(from + lasts));
                prop_assert!(busy.count() <= *seats as usize);
            }
        }
    }
}
