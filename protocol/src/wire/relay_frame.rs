//! `RelayFrame`: what the relay says to a phone.

use prost::Message as _;

use super::BrokenRule;
use crate::generated::phone as pb;
use crate::limit::{MAX_FRAME_BYTES, MAX_TEXT_BYTES, shorten};
use crate::{AlertId, DecisionId, ReportNumber, UnixMillis};

/// What the relay says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RelayFrame {
    /// A report is durable.
    Receipt(Receipt),
    /// A frame broke a rule.
    Refusal(Refusal),
    /// Where the alert stands.
    Status(Status),
    /// An officer's words.
    Message(Message),
    /// A word of a later release; to be passed over.
    Unknown,
}

/// A report is durable: it will be seen, whatever happens to this relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The alert.
    pub alert: AlertId,
    /// The report.
    pub number: ReportNumber,
    /// Where it is durable.
    pub durability: Durability,
    /// Nothing better follows on this connection.
    pub is_final: bool,
}

/// How much must fail before a receipted report is gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Durability {
    /// A relay's own disk.
    Local,
    /// The disks of the configured number of machines.
    Replicated,
}

/// A frame broke a rule and was dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The name of the rule ([`BrokenRule::name`]).
    pub rule: String,
    /// What happened and what to do.
    pub text: String,
    /// The report, as far as it could be read.
    pub report: Option<(AlertId, ReportNumber)>,
}

impl Refusal {
    /// Says which rule was broken, and by which report.
    #[must_use]
    pub fn of(rule: BrokenRule, report: Option<(AlertId, ReportNumber)>) -> Self {
        Self {
            rule: rule.name().to_owned(),
            text: rule.to_string(),
            report,
        }
    }
}

/// Where an alert stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// The alert.
    pub alert: AlertId,
    /// How far it has come.
    pub progress: Progress,
    /// When it came so far, by the site's clock.
    pub at: UnixMillis,
}

/// How far an alert has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Progress {
    /// Durable at the relay, and not forwarded: the log takes nothing just now.
    Stored,
    /// In the log.
    Received,
    /// Given to a desk.
    Routed,
    /// An officer has acknowledged it.
    Seen,
    /// Somebody is coming.
    UnitOnItsWay,
    /// An officer has closed it; the phone may stop.
    Closed,
}

/// An officer's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The alert.
    pub alert: AlertId,
    /// Names the message; the same may come twice.
    pub id: DecisionId,
    /// The words.
    pub text: String,
    /// When the officer wrote, by the site's clock.
    pub at: UnixMillis,
}

/// Writes a frame (without the length before it).
#[must_use]
pub fn encode_relay_frame(frame: &RelayFrame) -> Vec<u8> {
    use pb::relay_frame::Word;
    let word = match frame {
        RelayFrame::Receipt(receipt) => Some(Word::Receipt(pb::Receipt {
            alert_id: receipt.alert.as_bytes().to_vec().into(),
            number: receipt.number.0,
            durability: match receipt.durability {
                Durability::Local => pb::Durability::Local,
                Durability::Replicated => pb::Durability::Replicated,
            }
            .into(),
            r#final: receipt.is_final,
        })),
        RelayFrame::Refusal(refusal) => Some(Word::Refusal(pb::Refusal {
            rule: refusal.rule.clone(),
            text: refusal.text.clone(),
            alert_id: refusal
                .report
                .map(|(id, _)| id.as_bytes().to_vec().into())
                .unwrap_or_default(),
            number: refusal
                .report
                .map(|(_, number)| number.0)
                .unwrap_or_default(),
        })),
        RelayFrame::Status(status) => Some(Word::Status(pb::Status {
            alert_id: status.alert.as_bytes().to_vec().into(),
            state: match status.progress {
                Progress::Stored => pb::State::Stored,
                Progress::Received => pb::State::Received,
                Progress::Routed => pb::State::Routed,
                Progress::Seen => pb::State::Seen,
                Progress::UnitOnItsWay => pb::State::UnitOnItsWay,
                Progress::Closed => pb::State::Closed,
            }
            .into(),
            at_ms: status.at.as_i64(),
        })),
        RelayFrame::Message(message) => Some(Word::Message(pb::Message {
            alert_id: message.alert.as_bytes().to_vec().into(),
            message_id: message.id.as_bytes().to_vec().into(),
            text: shorten(&message.text, MAX_TEXT_BYTES).to_owned(),
            at_ms: message.at.as_i64(),
        })),
        RelayFrame::Unknown => None,
    };
    pb::RelayFrame { word }.encode_to_vec()
}

/// Reads a frame (without the length before it).
///
/// # Errors
/// [`BrokenRule::FrameTooLong`], [`BrokenRule::Undecodable`], and [`BrokenRule::NoAlertId`] where a
/// word names no alert.
pub fn decode_relay_frame(bytes: &bytes::Bytes) -> Result<RelayFrame, BrokenRule> {
    use pb::relay_frame::Word;
    if bytes.len() > MAX_FRAME_BYTES {
        return Err(BrokenRule::FrameTooLong);
    }
    let frame = pb::RelayFrame::decode(bytes.clone()).map_err(|_| BrokenRule::Undecodable)?;
    Ok(match frame.word {
        None => RelayFrame::Unknown,
        Some(Word::Receipt(receipt)) => RelayFrame::Receipt(Receipt {
            alert: alert_id(&receipt.alert_id)?,
            number: ReportNumber(receipt.number),
            durability: match receipt.durability() {
                pb::Durability::Replicated => Durability::Replicated,
                pb::Durability::Local | pb::Durability::Unspecified => Durability::Local,
            },
            is_final: receipt.r#final,
        }),
        Some(Word::Refusal(refusal)) => RelayFrame::Refusal(Refusal {
            rule: refusal.rule,
            text: refusal.text,
            report: alert_id(&refusal.alert_id)
                .ok()
                .map(|id| (id, ReportNumber(refusal.number))),
        }),
        Some(Word::Status(status)) => {
            let progress = match status.state() {
                pb::State::Unspecified => return Ok(RelayFrame::Unknown),
                pb::State::Stored => Progress::Stored,
                pb::State::Received => Progress::Received,
                pb::State::Routed => Progress::Routed,
                pb::State::Seen => Progress::Seen,
                pb::State::UnitOnItsWay => Progress::UnitOnItsWay,
                pb::State::Closed => Progress::Closed,
            };
            RelayFrame::Status(Status {
                alert: alert_id(&status.alert_id)?,
                progress,
                at: UnixMillis::new(status.at_ms),
            })
        }
        Some(Word::Message(message)) => RelayFrame::Message(Message {
            alert: alert_id(&message.alert_id)?,
            id: <[u8; 16]>::try_from(message.message_id.as_ref())
                .map(DecisionId::from_bytes)
                .map_err(|_| BrokenRule::Undecodable)?,
            text: message.text,
            at: UnixMillis::new(message.at_ms),
        }),
    })
}

fn alert_id(bytes: &[u8]) -> Result<AlertId, BrokenRule> {
    bytes
        .try_into()
        .map(AlertId::from_bytes)
        .map_err(|_| BrokenRule::NoAlertId)
}
