//! `PhoneFrame` and the report that it carries.

use bytes::Bytes;
use prost::Message as _;

use super::BrokenRule;
use crate::generated::phone as pb;
use crate::limit::{
    MAX_FRAME_BYTES, MAX_LABEL_BYTES, MAX_TEXT_BYTES, MAX_TRAIL_POSITIONS, shorten,
};
use crate::{
    AlertId, Altitude, Capability, ConfidencePercent, Content, Datum, DeviceState, Fix, HearsText,
    InstallKey, LatLon, Millis, Position, RadiusMetres, Raise, Report, ReportNumber, Source,
    UnixMillis, Unusable,
};

/// A phone's frame: what it says, and the token if it came along.
#[derive(Clone, PartialEq, Debug)]
pub struct Frame {
    /// The report.
    pub report: Report,
    /// The token's bytes as they were sent; empty when there were none.
    pub token: Bytes,
}

/// Reads a frame (without the length before it).
///
/// # Errors
/// [`BrokenRule::FrameTooLong`], [`BrokenRule::Undecodable`] and [`BrokenRule::NoAlertId`]; nothing
/// else is refused.
pub fn decode_frame(bytes: &Bytes) -> Result<Frame, BrokenRule> {
    if bytes.len() > MAX_FRAME_BYTES {
        return Err(BrokenRule::FrameTooLong);
    }
    let frame = pb::PhoneFrame::decode(bytes.clone()).map_err(|_| BrokenRule::Undecodable)?;
    let alert = <[u8; 16]>::try_from(frame.alert_id.as_ref())
        .map_err(|_| BrokenRule::NoAlertId)
        .map(AlertId::from_bytes)?;
    let report = Report {
        alert,
        number: ReportNumber(frame.number),
        sent_at: frame.sent_at_ms.map(UnixMillis::new),
        install_key: frame.install_key.as_ref().try_into().ok().map(InstallKey),
        content: frame.report.map_or(Content::Unknown, read_content),
    };
    Ok(Frame {
        report,
        token: frame.token,
    })
}

/// Writes a frame (without the length before it).
#[must_use]
pub fn encode_frame(frame: &Frame) -> Vec<u8> {
    let report = &frame.report;
    pb::PhoneFrame {
        token: frame.token.clone(),
        install_key: report
            .install_key
            .map(|key| Bytes::copy_from_slice(&key.0))
            .unwrap_or_default(),
        alert_id: Bytes::copy_from_slice(report.alert.as_bytes()),
        number: report.number.0,
        sent_at_ms: report.sent_at.map(UnixMillis::as_i64),
        report: write_content(&report.content),
    }
    .encode_to_vec()
}

fn read_content(report: pb::phone_frame::Report) -> Content {
    use pb::phone_frame::Report as R;
    match report {
        R::Raise(raise) => Content::Raise(read_raise(raise)),
        R::Position(position) => Content::Position(read_fix(position)),
        R::Trail(trail) => Content::Trail(
            trail
                .positions
                .into_iter()
                .take(MAX_TRAIL_POSITIONS)
                .map(read_fix)
                .collect(),
        ),
        R::Text(text) => Content::Text(shorten(&text.text, MAX_TEXT_BYTES).to_owned()),
        R::Cancel(cancel) => Content::Cancel(cancel.code.to_vec()),
        R::DeviceState(state) => Content::DeviceState(read_device_state(state)),
    }
}

fn write_content(content: &Content) -> Option<pb::phone_frame::Report> {
    use pb::phone_frame::Report as R;
    Some(match content {
        Content::Raise(raise) => R::Raise(write_raise(raise)),
        Content::Position(fix) => R::Position(write_fix(fix)),
        Content::Trail(fixes) => R::Trail(pb::Trail {
            positions: fixes.iter().map(write_fix).collect(),
        }),
        Content::Text(text) => R::Text(pb::Text { text: text.clone() }),
        Content::Cancel(code) => R::Cancel(pb::CancelClaim {
            code: code.clone().into(),
        }),
        Content::DeviceState(state) => R::DeviceState(write_device_state(*state)),
        Content::Unknown => return None,
    })
}

fn read_raise(raise: pb::Raise) -> Raise {
    let capability = raise.capability.unwrap_or_default();
    Raise {
        fix: raise.position.map(read_fix),
        device_state: raise
            .device_state
            .map(read_device_state)
            .unwrap_or_default(),
        capability: Capability {
            hears_text: match capability.hears_text() {
                pb::HearsText::Unspecified => HearsText::Unknown,
                pb::HearsText::Covertly => HearsText::Covertly,
                pb::HearsText::Visibly => HearsText::Visibly,
                pb::HearsText::Not => HearsText::Not,
            },
            shows: shorten(&capability.shows, MAX_LABEL_BYTES).to_owned(),
        },
        exercise: raise.exercise,
        interval: raise.interval_ms.map(|ms| Millis(ms.into())),
    }
}

fn write_raise(raise: &Raise) -> pb::Raise {
    let capability = &raise.capability;
    let hears_text = match capability.hears_text {
        HearsText::Unknown => pb::HearsText::Unspecified,
        HearsText::Covertly => pb::HearsText::Covertly,
        HearsText::Visibly => pb::HearsText::Visibly,
        HearsText::Not => pb::HearsText::Not,
    };
    pb::Raise {
        position: raise.fix.as_ref().map(write_fix),
        device_state: (raise.device_state != DeviceState::default())
            .then(|| write_device_state(raise.device_state)),
        capability: (*capability != Capability::default()).then(|| pb::Capability {
            hears_text: hears_text.into(),
            shows: capability.shows.clone(),
        }),
        exercise: raise.exercise,
        interval_ms: raise
            .interval
            .map(|interval| u32::try_from(interval.0).unwrap_or(u32::MAX)),
    }
}

fn read_device_state(state: pb::DeviceState) -> DeviceState {
    DeviceState {
        battery_percent: state
            .battery_percent
            .and_then(|percent| u8::try_from(percent).ok())
            .filter(|percent| *percent <= 100),
        charging: state.charging,
    }
}

fn write_device_state(state: DeviceState) -> pb::DeviceState {
    pb::DeviceState {
        battery_percent: state.battery_percent.map(u32::from),
        charging: state.charging,
    }
}

fn read_fix(position: pb::Position) -> Fix {
    let at = LatLon::from_e7(position.lat_e7, position.lon_e7)?;
    if at.is_null_island() {
        return Err(Unusable::NullIsland);
    }
    let finite = |value: Option<f32>| value.map(f64::from).filter(|value| value.is_finite());
    Ok(Position {
        at,
        radius: position
            .radius_m
            .and_then(|metres| RadiusMetres::new(metres.into()).ok()),
        confidence: position
            .confidence_percent
            .and_then(|p| ConfidencePercent::new(p.into())),
        fix_at: position.fix_at_ms.map(UnixMillis::new),
        source: match position.source() {
            pb::Source::Unspecified => Source::Unknown,
            pb::Source::Gnss => Source::Gnss,
            pb::Source::Wifi => Source::Wifi,
            pb::Source::Cell => Source::Cell,
            pb::Source::Fused => Source::Fused,
            pb::Source::Manual => Source::Manual,
        },
        altitude: finite(position.altitude_m).map(|metres| Altitude {
            metres,
            datum: match position.altitude_datum() {
                pb::Datum::Unspecified => Datum::Unknown,
                pb::Datum::Ellipsoid => Datum::Ellipsoid,
                pb::Datum::SeaLevel => Datum::SeaLevel,
            },
            uncertainty_m: finite(position.altitude_uncertainty_m).filter(|metres| *metres >= 0.0),
        }),
        floor: position
            .floor
            .map(|floor| shorten(&floor, MAX_LABEL_BYTES).to_owned()),
        speed_mps: finite(position.speed_mps).filter(|speed| *speed >= 0.0),
        bearing_deg: finite(position.bearing_deg).map(|bearing| bearing.rem_euclid(360.0)),
        mocked: position.mocked,
        coarse: position.coarse,
    })
}

/// An unusable fix has no honest form on the wire; it is written as the null island that it means.
fn write_fix(fix: &Fix) -> pb::Position {
    let Ok(position) = fix else {
        return pb::Position::default();
    };
    let (lat_e7, lon_e7) = position.at.to_e7();
    let source = match position.source {
        Source::Unknown => pb::Source::Unspecified,
        Source::Gnss => pb::Source::Gnss,
        Source::Wifi => pb::Source::Wifi,
        Source::Cell => pb::Source::Cell,
        Source::Fused => pb::Source::Fused,
        Source::Manual => pb::Source::Manual,
    };
    let datum = match position.altitude.map(|altitude| altitude.datum) {
        None | Some(Datum::Unknown) => pb::Datum::Unspecified,
        Some(Datum::Ellipsoid) => pb::Datum::Ellipsoid,
        Some(Datum::SeaLevel) => pb::Datum::SeaLevel,
    };
    pb::Position {
        lat_e7,
        lon_e7,
        radius_m: position.radius.map(|radius| radius.metres() as f32),
        confidence_percent: position
            .confidence
            .map(|confidence| confidence.percent() as f32),
        fix_at_ms: position.fix_at.map(UnixMillis::as_i64),
        source: source.into(),
        altitude_m: position.altitude.map(|altitude| altitude.metres as f32),
        altitude_datum: datum.into(),
        altitude_uncertainty_m: position
            .altitude
            .and_then(|altitude| altitude.uncertainty_m)
            .map(|metres| metres as f32),
        floor: position.floor.clone(),
        speed_mps: position.speed_mps.map(|speed| speed as f32),
        bearing_deg: position.bearing_deg.map(|bearing| bearing as f32),
        mocked: position.mocked,
        coarse: position.coarse,
    }
}
