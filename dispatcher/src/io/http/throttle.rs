//! How often somebody may try to sign in.
//!
//! A token bucket for each user and for each address, kept as one time: the moment at which it is
//! full again (the virtual scheduling form of ITU-T I.371's generic cell rate algorithm). Nobody is
//! ever locked out: a refusal says in how many seconds the next attempt is looked at. Where an
//! officer has signed in before, guesses from elsewhere do not count against them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use protocol::{Millis, UnixMillis};

/// Attempts for one user at once: an officer who tries three passwords on two keyboard layouts.
const USER_BURST: u64 = 8;

/// After the burst, one attempt per user in this time: 4,320 guesses a day, not millions.
const USER_EVERY: Millis = Millis::from_secs(20);

/// Attempts from one address at once: a whole room behind one address at the change of shift.
const ADDRESS_BURST: u64 = 60;

/// After the burst, one attempt per address in this time.
const ADDRESS_EVERY: Millis = Millis::from_secs(2);

/// Worthless offers from one address at once: a relay whose keys are those of another site stops being looked at before it costs
/// anything.
const OFFER_BURST: u64 = 20;

/// After the burst, one worthless offer per address in this time.
const OFFER_EVERY: Millis = Millis::from_secs(10);

/// Users and addresses that are remembered, with some 100 bytes each. Beyond it those that are
/// closest to a full bucket are forgotten first (see [`forget_half`]).
const MAX_REMEMBERED: usize = 20_000;

/// Pairs of officer and address from which they have signed in.
const MAX_KNOWN_PLACES: usize = 20_000;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    User(String),
    UserAt(String, Network),
    Address(Network),
    Offer(Network),
}

/// Who is one source: an IPv4 address, or an IPv6 network of 64 bits, which one machine can use up.
type Network = [u8; 8];

fn network(address: IpAddr) -> Network {
    let mut network = Network::default();
    match address.to_canonical() {
        IpAddr::V4(v4) => network[..4].copy_from_slice(&v4.octets()),
        // The first byte of a global IPv6 address is never 0 or 127, so the two do not meet often.
        IpAddr::V6(v6) => network.copy_from_slice(&v6.octets()[..8]),
    }
    network
}

/// Attempts to sign in, by user and by address.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    full_at: BTreeMap<Key, UnixMillis>,
    known_places: BTreeMap<(String, Network), UnixMillis>,
}

impl Throttle {
    /// Takes an attempt, or says after how long the next one is looked at.
    pub(super) fn handle_attempt(
        &mut self,
        user: &str,
        from: IpAddr,
        now: UnixMillis,
    ) -> Result<(), Millis> {
        let network = network(from);
        let place = (user.to_owned(), network);
        let by_user = if self.known_places.contains_key(&place) {
            Key::UserAt(place.0, network)
        } else {
            Key::User(place.0)
        };
        let by_address = Key::Address(network);
        self.wait(&by_user, now, USER_EVERY, USER_BURST)?;
        self.wait(&by_address, now, ADDRESS_EVERY, ADDRESS_BURST)?;
        self.take(by_user, now, USER_EVERY);
        self.take(by_address, now, ADDRESS_EVERY);
        Ok(())
    }

    /// The attempt was right: it cost nothing, and this place is known from now on.
    pub(super) fn handle_success(&mut self, user: &str, from: IpAddr, now: UnixMillis) {
        let network = network(from);
        self.full_at.remove(&Key::UserAt(user.to_owned(), network));
        let by_address = Key::Address(network);
        if let Some(full_at) = self.full_at.get_mut(&by_address) {
            *full_at = full_at.minus(ADDRESS_EVERY);
        }
        forget_half(&mut self.known_places, MAX_KNOWN_PLACES);
        self.known_places.insert((user.to_owned(), network), now);
    }

    /// Whether an offer from there is looked at, or after how long the next one is.
    pub(super) fn may_offer(&self, from: IpAddr, now: UnixMillis) -> Result<(), Millis> {
        let by_address = Key::Offer(network(from));
        self.wait(&by_address, now, OFFER_EVERY, OFFER_BURST)
    }

    /// Nothing of an offer from there could be used.
    pub(super) fn handle_worthless_offer(&mut self, from: IpAddr, now: UnixMillis) {
        self.take(Key::Offer(network(from)), now, OFFER_EVERY);
    }

    fn wait(&self, key: &Key, now: UnixMillis, every: Millis, burst: u64) -> Result<(), Millis> {
        let Some(full_at) = self.full_at.get(key) else {
            return Ok(());
        };
        let room = Millis(every.0 * (burst - 1));
        // A clock that was set back must not make anybody wait longer than an empty bucket does.
        let full_at = (*full_at).min(now.plus(Millis(every.0 * burst)));
        match full_at.since(now.plus(room)) {
            Millis(0) => Ok(()),
            wait => Err(wait),
        }
    }

    fn take(&mut self, key: Key, now: UnixMillis, every: Millis) {
        if self.full_at.len() >= MAX_REMEMBERED {
            self.full_at.retain(|_, full_at| *full_at > now);
            forget_half(&mut self.full_at, MAX_REMEMBERED);
        }
        let full_at = self.full_at.entry(key).or_insert(now);
        *full_at = (*full_at).max(now).plus(every);
    }
}

/// Where there is no room, the half with the earlier times goes at once, so that a flood costs
/// little for each of its attempts.
fn forget_half<K: Ord>(kept: &mut BTreeMap<K, UnixMillis>, most: usize) {
    if kept.len() < most {
        return;
    }
    let mut times: Vec<_> = kept.values().copied().collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    let mut room = middle;
    kept.retain(|_, time| {
        let goes = *time <= median && room > 0;
        room -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const START: UnixMillis = UnixMillis::new(1_800_000_000_000);

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n))
    }

    #[test]
    fn guesses_are_slowed_down_and_the_officer_is_told_until_when() {
        let mut throttle = Throttle::default();
        let attempt = |throttle: &mut Throttle, now| throttle.handle_attempt("a", address(1), now);
        for _ in 0..USER_BURST {
            assert_eq!(attempt(&mut throttle, START), Ok(()));
        }
        let wait = attempt(&mut throttle, START).unwrap_err();
        assert_eq!(wait, USER_EVERY);
        assert_eq!(
            attempt(&mut throttle, START.plus(Millis(wait.0 - 1))),
            Err(Millis(1))
        );
        assert_eq!(
            attempt(&mut throttle, START.plus(wait)),
            Ok(()),
            "as it was told"
        );
        assert!(
            throttle.handle_attempt("b", address(1), START).is_ok(),
            "another user"
        );
    }

    #[test]
    fn one_address_cannot_try_all_users() {
        let mut throttle = Throttle::default();
        let mut taken = 0;
        for n in 0..1_000 {
            taken += u64::from(
                throttle
                    .handle_attempt(&n.to_string(), address(1), START)
                    .is_ok(),
            );
        }
        assert_eq!(taken, ADDRESS_BURST);
        assert!(throttle.handle_attempt("x", address(2), START).is_ok());
    }

    #[test]
    fn who_signed_in_here_before_is_not_kept_out_by_guesses_from_elsewhere() {
        let mut throttle = Throttle::default();
        throttle.handle_attempt("a", address(1), START).unwrap();
        throttle.handle_success("a", address(1), START);
        for n in 0..1_000 {
            let _ = throttle.handle_attempt("a", address(100 + n), START);
        }
        assert!(throttle.handle_attempt("a", address(5_000), START).is_err());
        assert_eq!(throttle.handle_attempt("a", address(1), START), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_and_a_flood_of_users_change_little() {
        let mut throttle = Throttle::default();
        for _ in 0..USER_BURST {
            throttle.handle_attempt("a", address(1), START).unwrap();
        }
        let yesterday = START.minus(Millis::from_secs(86_400));
        let wait = throttle
            .handle_attempt("a", address(1), yesterday)
            .unwrap_err();
        assert!(wait.0 <= USER_EVERY.0 * USER_BURST, "{wait:?}");
        for n in 0..u32::try_from(3 * MAX_REMEMBERED).unwrap() {
            let _ = throttle.handle_attempt(&n.to_string(), address(n), START);
            throttle.handle_success(&n.to_string(), address(n), START.plus(Millis(u64::from(n))));
            assert!(throttle.full_at.len() <= MAX_REMEMBERED + 1);
            assert!(throttle.known_places.len() <= MAX_KNOWN_PLACES);
        }
        assert!(
            throttle.full_at.len() > MAX_REMEMBERED / 4,
            "a flood does not empty the memory"
        );
    }

    #[test]
    fn worthless_offers_are_slowed_down_and_good_ones_cost_nothing() {
        let mut throttle = Throttle::default();
        for _ in 0..OFFER_BURST {
            assert_eq!(throttle.may_offer(address(1), START), Ok(()));
            throttle.handle_worthless_offer(address(1), START);
        }
        assert_eq!(throttle.may_offer(address(1), START), Err(OFFER_EVERY));
        assert_eq!(throttle.may_offer(address(2), START), Ok(()));
        assert!(
            throttle.handle_attempt("a", address(1), START).is_ok(),
            "officers are not kept out"
        );
        assert_eq!(
            throttle.may_offer(address(1), START.plus(OFFER_EVERY)),
            Ok(())
        );
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let one = Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 3, 4, 5, 6);
        let same = Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 0xffff, 0, 0, 9);
        let other = Ipv6Addr::new(0x2001, 0xdb8, 1, 3, 3, 4, 5, 6);
        assert_eq!(network(one.into()), network(same.into()));
        assert_ne!(network(one.into()), network(other.into()));
        let mapped = Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped();
        assert_eq!(network(mapped.into()), network(address(1)));
    }
}
