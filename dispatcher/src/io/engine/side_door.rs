//! What relays offer while the log takes nothing.

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use bytes::Bytes;
use journal::{Day, DayKey};
use protocol::side_door::Answer;
use protocol::{DeviceId, Entry, Subject};

use super::Engine;
use crate::dispatch::Dispatch;
use crate::unlogged::{EntryDigest, is_authentic, may_be_offered};

impl Engine {
    /// Shows entries that the log does not have, as far as they open under the site's day keys.
    pub fn offered(&self, entries: &[Bytes]) -> Answer {
        let now = self.now();
        let mut keys: BTreeMap<u32, Option<DayKey>> = BTreeMap::new();
        let (mut known, mut refused, mut elsewhere) = (0, 0, 0);
        let mut opened = Vec::new();
        for bytes in entries {
            let entry = catch_unwind(|| Entry::decode(bytes));
            let entry = entry.ok().and_then(Result::ok);
            let Some(entry) = entry.filter(|entry| may_be_offered(&entry.header, now)) else {
                refused += 1;
                continue;
            };
            let digest = EntryDigest::of(bytes);
            if let Subject::Report(report) = &entry.header.subject {
                if !self.follows(&report.device) {
                    elsewhere += 1;
                    continue;
                }
                if self
                    .dispatch()
                    .handle_known_offer(&report.device, &digest, now)
                {
                    known += 1;
                    continue;
                }
            }
            let day = entry.header.day.0;
            let key = keys
                .entry(day)
                .or_insert_with(|| self.reading_key(Day(day)));
            let body = self.open_body(&entry, key.as_ref());
            if is_authentic(&body) {
                opened.push((digest, body));
            } else {
                refused += 1;
            }
        }
        let mut answer = Answer::default();
        if !opened.is_empty() {
            self.survive(|| {
                let offered = std::mem::take(&mut opened);
                answer = self.dispatch().handle_offer(offered, now);
            });
            self.publish();
        }
        answer.known += known;
        answer.refused += refused;
        answer.left_out += elsewhere;
        self.count_unlogged();
        self.shared.metrics.side_door(&answer);
        answer
    }

    /// Whether the board is folded from what the log has of this phone. Of another nobody here would learn that the log
    /// has taken it, or what officers have done about it.
    fn follows(&self, device: &DeviceId) -> bool {
        let config = &self.shared.config;
        config.fold.as_ref().is_none_or(|fold| {
            let all = config.journal.partitions();
            all.iter()
                .any(|one| fold.contains(&one.partition()) && one.has(device))
        })
    }

    /// Says how much is shown that the log does not have.
    pub(super) fn count_unlogged(&self) {
        let shown = self.read(|dispatch| dispatch.unlogged().len());
        let gauge = &self.shared.metrics.unlogged_incidents;
        gauge.set(i64::try_from(shown).unwrap_or(i64::MAX));
    }

    /// The number of the newest change of what the log does not have.
    pub(super) fn unlogged_change(&self) -> u64 {
        self.read(|dispatch: &Dispatch| dispatch.unlogged().change())
    }
}
