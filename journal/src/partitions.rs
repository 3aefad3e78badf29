//! Which partition an entry belongs to: what one phone says is in one partition and in order, so that
//! a further press finds its incident.

use std::fmt;
use std::num::NonZeroU16;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use protocol::{DeviceId, Entry};

use crate::offset::Partition;

/// Partitions of a shared log where nobody says otherwise: enough for sixteen servers, each with a
/// part of a nation, and few enough that a process can have connections for each.
pub const PARTITIONS_DEFAULT: PartitionCount = match PartitionCount::new(16) {
    Some(count) => count,
    None => PartitionCount::ONE,
};

/// How many partitions a log has: fixed when it is set up, as another number would give the entries of
/// a phone another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionCount(NonZeroU16);

impl PartitionCount {
    /// One, as every embedded log has.
    pub const ONE: Self = Self(NonZeroU16::MIN);

    /// The most that there may be. Each process has some connections for each partition; more than
    /// this would be no help for any number of servers that a nation has.
    pub const MAX: u16 = 256;

    /// So many; `None` for 0 and for more than [`Self::MAX`].
    #[must_use]
    pub const fn new(count: u16) -> Option<Self> {
        match NonZeroU16::new(count) {
            Some(some) if count <= Self::MAX => Some(Self(some)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    /// All of them, in order.
    pub fn all(self) -> impl DoubleEndedIterator<Item = Partition> + ExactSizeIterator {
        (0..self.get()).map(Partition)
    }

    /// Where everything that a phone says is, and everything that is decided about it: the first eight
    /// bytes of SHA-256 over the id ([`DeviceId::to_bytes`]) as a number, big-endian, modulo the count.
    #[must_use]
    pub fn of_device(self, device: &DeviceId) -> Partition {
        if self == Self::ONE {
            return Partition::ZERO;
        }
        let hash = digest(&SHA256, &device.to_bytes());
        let first = hash.as_ref().first_chunk().copied().unwrap_or_default();
        let rest = u64::from_be_bytes(first) % u64::from(self.get());
        Partition(u16::try_from(rest).unwrap_or_default())
    }

    /// Where an entry belongs. What is no phone's is in partition 0, and so is what nobody can read.
    #[must_use]
    pub fn of_entry(self, entry: &Bytes) -> Partition {
        if self == Self::ONE {
            return Partition::ZERO;
        }
        let entry = Entry::decode(entry).ok();
        let device = entry.as_ref().and_then(|entry| entry.header.device());
        device.map_or(Partition::ZERO, |device| self.of_device(device))
    }
}

impl fmt::Display for PartitionCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use protocol::{
        AlertId, Day, Header, OfficerId, ReportHeader, ReportKind, ReportNumber, Site, Subject,
        UnixMillis, Verification, join,
    };

    use super::*;

    fn count(count: u16) -> PartitionCount {
        PartitionCount::new(count).unwrap()
    }

    fn device(number: u32) -> DeviceId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        DeviceId::Enrolled(id)
    }

    fn entry(subject: Subject) -> Bytes {
        let header = Header {
            time: UnixMillis::new(0),
            day: Day(0),
            subject,
        };
        join(&header.encode(), b"sealed")
    }

    /// Another place for a phone would be another log: these never change.
    #[test]
    fn a_phone_has_its_place_for_ever() {
        let places = (0..8).map(|number| count(16).of_device(&device(number)).0);
        assert_eq!(places.collect::<Vec<_>>(), [10, 8, 3, 7, 5, 6, 9, 1]);
        let install = DeviceId::Install(protocol::InstallKey([0; 16]));
        assert_eq!(count(16).of_device(&install), Partition(6));
    }

    #[test]
    fn phones_are_spread_evenly() {
        let mut counted = [0_u32; 16];
        for number in 0..16_000 {
            counted[usize::from(count(16).of_device(&device(number)).0)] += 1;
        }
        assert!(
            counted.iter().all(|&phones| (850..1_150).contains(&phones)),
            "{counted:?}"
        );
    }

    #[test]
    fn an_entry_goes_where_its_phone_is_and_what_is_no_phones_into_the_first() {
        let report = |device| {
            Subject::Report(ReportHeader {
                device,
                alert: AlertId::from_bytes([1; 16]),
                number: ReportNumber(1),
                kind: ReportKind::Raise,
                verification: Verification::Verified,
                drill: false,
            })
        };
        for number in 0..32 {
            let place = count(7).of_device(&device(number));
            assert_eq!(count(7).of_entry(&entry(report(device(number)))), place);
            assert_eq!(
                PartitionCount::ONE.of_entry(&entry(report(device(number)))),
                Partition::ZERO
            );
        }
        let sign_in = entry(Subject::Site(Site::SignedIn(OfficerId::new("kim"))));
        assert_eq!(count(16).of_entry(&sign_in), Partition::ZERO);
        let junk = Bytes::from_static(b"no entry");
        assert_eq!(count(16).of_entry(&junk), Partition::ZERO);
    }

    #[test]
    fn there_is_at_least_one_and_not_too_many() {
        assert_eq!(PartitionCount::new(0), None);
        assert_eq!(PartitionCount::new(PartitionCount::MAX + 1), None);
        assert_eq!(PARTITIONS_DEFAULT.get(), 16);
        let all: Vec<_> = count(3).all().collect();
        assert_eq!(all, [Partition(0), Partition(1), Partition(2)]);
    }
}
