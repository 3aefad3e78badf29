//! People who press, one after the other, whatever happens; and officers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use client::Event;
use client::io::{Endpoint, EndpointOptions};
use protocol::{CancelMeaning, DeviceId};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::books::Books;
use super::officers::work;
use super::scenario::patiently;
use super::site::Doors;
use crate::support::site::{TestPhone, at};

/// From one press to the next.
const PRESS_EVERY: Duration = Duration::from_millis(200);

/// From one word or position of a phone to the next.
const SAY_EVERY: Duration = Duration::from_millis(400);

/// What each person writes, in this order.
pub(super) const TEXTS: [&str; 4] = ["1", "2", "3", "4"];

/// Every so manyth person claims that it is over: not the same as those at one relay, of which there are two.
const CLAIMS_EVERY: u16 = 3;

/// How many of their words they have written by then.
const CLAIMS_AFTER: usize = 2;

/// What they claim.
pub(super) const CLAIM: CancelMeaning = CancelMeaning::Safe;

/// Everybody at work.
pub(super) struct Load {
    books: Arc<Books>,
    /// Cancelled when nobody is to press any more.
    enough: CancellationToken,
    /// The same for officers, who may rest earlier.
    rest: CancellationToken,
    officers: JoinSet<()>,
    /// Ends the phones when dropped.
    _phones: JoinSet<()>,
}

impl Load {
    pub(super) fn start(doors: &Arc<Doors>) -> Self {
        let books = Arc::new(Books::default());
        let enough = CancellationToken::new();
        let rest = enough.child_token();
        let mut officers = JoinSet::new();
        for dispatcher in 0..2 {
            let (doors, books) = (Arc::clone(doors), Arc::clone(&books));
            officers.spawn(work(doors, dispatcher, books, rest.clone()));
        }
        let mut phones = JoinSet::new();
        phones.spawn(press(Arc::clone(doors), Arc::clone(&books), enough.clone()));
        Self {
            books,
            enough,
            rest,
            officers,
            _phones: phones,
        }
    }

    pub(super) fn books(&self) -> &Books {
        &self.books
    }

    pub(super) fn receipted(&self) -> usize {
        self.books.open().receipts()
    }

    /// Incidents of all who have pressed so far.
    pub(super) fn incidents(&self) -> BTreeSet<String> {
        self.books.open().incidents()
    }

    /// Incidents of all who have claimed so far that it is over.
    pub(super) fn claims(&self) -> BTreeSet<String> {
        self.books.open().claims()
    }

    /// Returns when so many more raises have a receipt.
    pub(super) async fn receipts(&self, more: usize) {
        let wanted = self.receipted() + more;
        patiently("receipts", async || match self.receipted() {
            receipted if receipted >= wanted => Ok(()),
            receipted => Err(format!("{receipted} of {wanted}")),
        })
        .await;
    }

    /// How many officers have taken.
    pub(super) fn acknowledged(&self) -> usize {
        self.books.open().acknowledged.len()
    }

    /// Returns when officers have taken so many more.
    pub(super) async fn acknowledgements(&self, more: usize) {
        let wanted = self.acknowledged() + more;
        patiently("officers", async || match self.acknowledged() {
            taken if taken >= wanted => Ok(()),
            taken => Err(format!("{taken} of {wanted} taken")),
        })
        .await;
    }

    /// Returns when all officers are at this dispatcher.
    pub(super) async fn officers_at(&self, dispatcher: usize) {
        patiently("all officers at one dispatcher", async || {
            let at = self.books.open().officers_at();
            match at == [Some(dispatcher); 2] {
                true => Ok(()),
                false => Err(format!("they are at {at:?}")),
            }
        })
        .await;
    }

    /// Returns when no officer does anything any more.
    pub(super) async fn officers_rest(&mut self) {
        self.rest.cancel();
        while let Some(officer) = self.officers.join_next().await {
            officer.unwrap();
        }
    }

    /// Nobody presses any more and officers rest; returns when everybody has said what they had to say,
    /// and has a receipt for it.
    pub(super) async fn end(&mut self) {
        self.enough.cancel();
        self.officers_rest().await;
        patiently("receipts for everything", async || {
            let books = self.books.open();
            match (books.settled(), books.raised()) {
                (settled, raised) if settled == raised => Ok(()),
                (settled, raised) => Err(format!("{settled} of {raised} have them")),
            }
        })
        .await;
    }
}

/// Open loop: a press waits for nobody.
async fn press(doors: Arc<Doors>, books: Arc<Books>, enough: CancellationToken) {
    let local = Some("127.0.0.1:0".parse().unwrap());
    let options = EndpointOptions {
        local,
        ..EndpointOptions::default()
    };
    let endpoint = Endpoint::bind(&options).unwrap();
    let mut phones = JoinSet::new();
    let mut ticks = tokio::time::interval(PRESS_EVERY);
    for number in 0_u16.. {
        let is_enough = enough.run_until_cancelled(ticks.tick()).await.is_none();
        if is_enough {
            break;
        }
        let mut device = [0; 16];
        device[..2].copy_from_slice(&number.to_be_bytes());
        let enrolment = doors.enrolment(usize::from(number % 2), device);
        let phone = TestPhone::on(Arc::clone(&endpoint), &enrolment);
        let books = Arc::clone(&books);
        let claims = number % CLAIMS_EVERY == 0;
        phones.spawn(live(phone, device, claims, books, enough.clone()));
    }
    // They stay, with an open alert.
    while phones.join_next().await.is_some() {}
}

/// Presses once, writes, perhaps claims that it is over, and says where they are, until it is enough. The alert stays open
/// until the phone is taken away.
async fn live(
    mut phone: TestPhone,
    device: [u8; 16],
    claims: bool,
    books: Arc<Books>,
    enough: CancellationToken,
) {
    let alert = phone.handle.raise(Some(at(38.0))).await.unwrap();
    books.open().pressed(DeviceId::Enrolled(device), alert);
    let mut ticks = tokio::time::interval(SAY_EVERY);
    let mut steps = 0;
    loop {
        tokio::select! {
            event = phone.next_event() => {
                if let Event::Receipted(receipt) = event {
                    books.open().receipted(receipt.alert, receipt.number, receipt.kind);
                }
            }
            _ = ticks.tick(), if steps < TEXTS.len() || !enough.is_cancelled() => {
                if let Some(text) = TEXTS.get(steps) {
                    let number = phone.handle.text(alert, text).await.unwrap();
                    books.open().said(alert, number, steps + 1 == TEXTS.len());
                }
                steps += 1;
                if claims && steps == CLAIMS_AFTER {
                    let number = phone.handle.cancel(alert, CLAIM).await.unwrap();
                    books.open().claimed(alert, number);
                }
                let position = at(38.0 + 0.000_1 * f64::from(u16::try_from(steps).unwrap()));
                phone.handle.position(alert, position).await.unwrap();
            }
        }
    }
}
