//! An entry of the log with its body opened, as far as that is possible.

use bytes::Bytes;
use journal::DayKey;
use protocol::wire::decode_frame;
use protocol::{
    AlertId, CancelMeaning, Content, Decision, DeviceId, Entry, Header, Report, SitePrivateKey,
    Subject,
};

/// An entry as the board folds it.
#[derive(Clone, PartialEq, Debug)]
pub struct Opened {
    /// The clear header.
    pub header: Header,
    /// The content.
    pub body: Body,
}

/// What was in the sealed body.
#[derive(Clone, PartialEq, Debug)]
pub enum Body {
    /// What a phone said.
    Report(Report),
    /// A claim to cancel, with what it meant.
    Cancel(Report, CancelMeaning),
    /// What was decided.
    Decision(Decision),
    /// An entry without content, or of a kind whose content nobody here reads.
    None,
    /// It cannot be read: the day's key is gone, or the bytes are not what the header says.
    Gone,
}

/// Opens an entry. There always is a result: what cannot be opened is [`Body::Gone`].
#[must_use]
pub fn open_entry(entry: &Entry, day_key: Option<&DayKey>, site: &SitePrivateKey) -> Opened {
    let body = match &entry.header.subject {
        Subject::Report(report) => unseal(entry, day_key, &report.device, &report.alert)
            .and_then(|bytes| decode_frame(&bytes.into()).ok())
            .filter(|frame| frame.report.alert == report.alert)
            .map_or(Body::Gone, |frame| open_report(frame.report, site)),
        Subject::Decision(decision) => unseal(entry, day_key, &decision.device, &decision.alert)
            .and_then(|bytes| Decision::decode(decision.kind, &bytes).ok())
            .map_or(Body::Gone, Body::Decision),
        Subject::Site(_) | Subject::Unknown => Body::None,
    };
    Opened {
        header: entry.header.clone(),
        body,
    }
}

fn open_report(report: Report, site: &SitePrivateKey) -> Body {
    match &report.content {
        Content::Cancel(code) => {
            let meaning = site.open(code, &report.alert, report.number);
            Body::Cancel(report, meaning)
        }
        _ => Body::Report(report),
    }
}

fn unseal(
    entry: &Entry,
    day_key: Option<&DayKey>,
    device: &DeviceId,
    alert: &AlertId,
) -> Option<Vec<u8>> {
    let device = device.to_bytes();
    journal::open(
        day_key?,
        &device,
        alert.as_bytes(),
        &entry.header_bytes,
        &entry.sealed,
    )
    .ok()
}

/// Seals a decision into the bytes of an entry.
///
/// # Errors
/// When the body cannot be sealed.
pub fn seal_decision(
    header: &Header,
    decision: &Decision,
    day_key: &DayKey,
    rng: &mut impl rand::Rng,
) -> Result<Bytes, journal::OpenBodyError> {
    let header_bytes = header.encode();
    let (device, alert) = match &header.subject {
        Subject::Decision(decision) => (decision.device.to_bytes(), *decision.alert.as_bytes()),
        _ => ([0; DeviceId::BYTES], [0; 16]),
    };
    let sealed = journal::seal(
        day_key,
        &device,
        &alert,
        &header_bytes,
        &decision.encode(),
        rng,
    )?;
    Ok(protocol::join(&header_bytes, &sealed))
}
