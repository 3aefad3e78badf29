//! Offers that wait for a batch.

use std::collections::VecDeque;

use bytes::Bytes;

#[derive(Debug)]
pub(super) struct Offer<T> {
    pub(super) entries: Vec<Bytes>,
    pub(super) bytes: usize,
    pub(super) offered_ms: u64,
    pub(super) ticket: T,
}

/// Offers of one log in order, and what they sum up to.
#[derive(Debug)]
pub(super) struct Queue<T> {
    pub(super) offers: VecDeque<Offer<T>>,
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

impl<T> Queue<T> {
    pub(super) const fn new() -> Self {
        Self {
            offers: VecDeque::new(),
            entries: 0,
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, offer: Offer<T>) {
        self.entries += offer.entries.len();
        self.bytes += offer.bytes;
        self.offers.push_back(offer);
    }

    /// The oldest offers that fit.
    pub(super) fn take(&mut self, entries_max: usize, bytes_max: usize) -> Vec<Offer<T>> {
        let (mut entries, mut bytes) = (0, 0);
        let fits = self.offers.iter().take_while(|offer| {
            entries += offer.entries.len();
            bytes += offer.bytes;
            entries <= entries_max && bytes <= bytes_max
        });
        let count = fits.count();
        let taken: Vec<_> = self.offers.drain(..count).collect();
        self.entries -= taken.iter().map(|offer| offer.entries.len()).sum::<usize>();
        self.bytes -= taken.iter().map(|offer| offer.bytes).sum::<usize>();
        taken
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Offer<T>> {
        (self.entries, self.bytes) = (0, 0);
        std::mem::take(&mut self.offers).into_iter()
    }
}
