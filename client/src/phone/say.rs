//! What the app and the person say.

use protocol::limit::{MAX_LABEL_BYTES, MAX_TEXT_BYTES, shorten};
use protocol::{
    AlertId, CancelMeaning, Content, DeviceState, Position, Raise, Report, ReportKind,
    ReportNumber, SitePublicKey,
};
use rand::{CryptoRng, RngExt as _};

use super::{Event, Now, Phone};
use crate::number::RAISE_NUMBER;
use crate::outbox::NotTaken;

impl Phone {
    /// The button was pressed. It is never refused; the id is the alert's for ever.
    pub fn raise(&mut self, now: Now, mut raise: Raise, rng: &mut impl CryptoRng) -> AlertId {
        raise.fix = raise.fix.map(|fix| fix.map(fitted));
        cut(&mut raise.capability.shows);
        let report = Report {
            alert: AlertId::new(now.wall, rng.random()),
            number: RAISE_NUMBER,
            ..self.report(now, Content::Raise(raise))
        };
        let alert = self.outbox.raise(report, now.since_start);
        self.unsaved = true;
        self.link.hurry(now.since_start);
        self.settle(now.since_start);
        alert
    }

    /// The phone is here now. It is sent if a connection takes it, and else waits in the track.
    ///
    /// # Errors
    /// [`NotTaken::NoOpenAlert`].
    pub fn position(&mut self, alert: AlertId, position: Position) -> Result<(), NotTaken> {
        self.outbox.track(alert, fitted(position))
    }

    /// The person typed something. It is shortened to what a report may hold.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn text(&mut self, now: Now, alert: AlertId, text: &str) -> Result<ReportNumber, NotTaken> {
        let content = Content::Text(shorten(text, MAX_TEXT_BYTES).to_owned());
        self.keep(now, alert, |_, _| Ok(content))
    }

    /// The phone says that the alert is to end. Officers decide; nothing on this side changes.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn cancel(
        &mut self,
        now: Now,
        alert: AlertId,
        meaning: CancelMeaning,
        rng: &mut impl CryptoRng,
    ) -> Result<ReportNumber, NotTaken> {
        self.outbox.admits(alert, ReportKind::Cancel)?;
        self.keep(now, alert, |site_key, number| {
            let code = site_key.seal(meaning, &alert, number, rng);
            code.map(Content::Cancel).map_err(|_| NotTaken::BadSiteKey)
        })
    }

    /// The battery has changed.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn device_state(
        &mut self,
        now: Now,
        alert: AlertId,
        state: DeviceState,
    ) -> Result<ReportNumber, NotTaken> {
        self.keep(now, alert, |_, _| Ok(Content::DeviceState(state)))
    }

    pub(super) fn report(&self, now: Now, content: Content) -> Report {
        Report {
            alert: AlertId::from_bytes([0; 16]),
            number: ReportNumber(0),
            sent_at: Some(now.wall),
            install_key: Some(self.config.install_key),
            content,
        }
    }

    fn keep(
        &mut self,
        now: Now,
        alert: AlertId,
        content: impl FnOnce(&SitePublicKey, ReportNumber) -> Result<Content, NotTaken>,
    ) -> Result<ReportNumber, NotTaken> {
        self.outbox.admits(alert, ReportKind::Unknown)?;
        let number = self.numbers.take().ok_or(NotTaken::NoNumber)?;
        let content = content(&self.config.site_key, number)?;
        let report = Report {
            alert,
            number,
            ..self.report(now, content)
        };
        let kind = ReportKind::of(&report.content);
        if let Some(number) = self.outbox.keep(report, now.since_start)? {
            self.events.push_back(Event::Dropped {
                alert,
                number,
                kind,
            });
        }
        self.unsaved = true;
        self.settle(now.since_start);
        Ok(number)
    }
}

/// A position whose labels a frame can hold.
fn fitted(mut position: Position) -> Position {
    position.floor.iter_mut().for_each(cut);
    position
}

fn cut(label: &mut String) {
    let end = shorten(label, MAX_LABEL_BYTES).len();
    label.truncate(end);
}
