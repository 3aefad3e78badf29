use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::generated::phone as pb;
use crate::{
    AlertId, Content, DecisionId, DeviceState, InstallKey, LatLon, Position, RadiusMetres, Raise,
    Report, ReportNumber, UnixMillis, Unusable, hex,
};

fn report(content: Content) -> Frame {
    Frame {
        report: Report {
            alert: AlertId::from_bytes([0x11; 16]),
            number: ReportNumber(1),
            sent_at: Some(UnixMillis::new(1_795_245_000_000)),
            install_key: Some(InstallKey([0x22; 16])),
            content,
        },
        token: Bytes::from_static(b"token"),
    }
}

fn city_hall() -> Position {
    Position {
        radius: RadiusMetres::new(12.0).ok(),
        fix_at: Some(UnixMillis::new(1_795_244_999_000)),
        ..Position::at(LatLon::new(37.566_3, 126.977_9).unwrap())
    }
}

fn decode(bytes: Vec<u8>) -> Result<Frame, BrokenRule> {
    decode_frame(&bytes.into())
}

#[test]
fn every_content_comes_back() {
    let raise = Raise {
        fix: Some(Ok(city_hall())),
        device_state: DeviceState {
            battery_percent: Some(81),
            charging: Some(false),
        },
        ..Raise::default()
    };
    let all = [
        Content::Raise(raise),
        Content::Raise(Raise::default()),
        Content::Position(Ok(city_hall())),
        Content::Position(Err(Unusable::NullIsland)),
        Content::Trail(vec![Ok(city_hall()), Err(Unusable::NullIsland)]),
        Content::Text("문 뒤에 있어요".to_owned()),
        Content::Cancel(vec![7; 64]),
        Content::DeviceState(DeviceState {
            battery_percent: None,
            charging: Some(true),
        }),
        Content::Unknown,
    ];
    for content in all {
        let frame = report(content);
        assert_eq!(decode(encode_frame(&frame)), Ok(frame));
    }
}

#[test]
fn golden_bytes_of_a_raise() {
    let frame = report(Content::Raise(Raise {
        fix: Some(Ok(city_hall())),
        ..Raise::default()
    }));
    let golden = "0a05746f6b656e121022222222222222222222222222222222\
                  1a1011111111111111111111111111111111200129";
    let bytes = hex::encode(&encode_frame(&frame));
    assert!(bytes.starts_with(golden), "{bytes}");
}

#[test]
fn unknown_fields_and_unknown_reports_are_taken() {
    let mut bytes = encode_frame(&report(Content::Text("a".into())));
    bytes.extend_from_slice(&[0xf8, 0x07, 0x2a]); // field 127, varint 42
    assert_eq!(
        decode(bytes).unwrap().report.content,
        Content::Text("a".into())
    );
    let mut bytes = encode_frame(&report(Content::Unknown));
    bytes.extend_from_slice(&[0xa2, 0x06, 0x01, 0x00]); // field 100, one byte: a later report
    assert_eq!(decode(bytes).unwrap().report.content, Content::Unknown);
}

#[test]
fn an_emergency_is_not_refused_over_a_detail() {
    let raise = |position: pb::Position| {
        let frame = pb::PhoneFrame {
            alert_id: vec![1; 16].into(),
            install_key: vec![1; 3].into(),
            report: Some(pb::phone_frame::Report::Raise(pb::Raise {
                position: Some(position),
                device_state: Some(pb::DeviceState {
                    battery_percent: Some(4_000_000_000),
                    charging: None,
                }),
                ..pb::Raise::default()
            })),
            ..pb::PhoneFrame::default()
        };
        match decode(frame.encode_to_vec()).unwrap().report.content {
            Content::Raise(raise) => raise,
            other => panic!("{other:?}"),
        }
    };
    let out_of_range = raise(pb::Position {
        lat_e7: 950_000_000,
        lon_e7: 1,
        ..pb::Position::default()
    });
    assert_eq!(out_of_range.fix, Some(Err(Unusable::OutOfRange)));
    assert_eq!(out_of_range.device_state.battery_percent, None);
    let null_island = raise(pb::Position::default());
    assert_eq!(null_island.fix, Some(Err(Unusable::NullIsland)));
    let odd = raise(pb::Position {
        lat_e7: 375_000_000,
        lon_e7: 1_270_000_000,
        radius_m: Some(f32::NAN),
        confidence_percent: Some(1e9),
        source: 77,
        speed_mps: Some(-1.0),
        ..pb::Position::default()
    });
    let odd = odd.fix.unwrap().unwrap();
    assert_eq!(
        (odd.radius, odd.confidence, odd.speed_mps),
        (None, None, None)
    );
}

#[test]
fn what_names_no_alert_is_told_the_rule() {
    let nameless = pb::PhoneFrame {
        alert_id: vec![1; 15].into(),
        ..pb::PhoneFrame::default()
    };
    assert_eq!(decode(nameless.encode_to_vec()), Err(BrokenRule::NoAlertId));
    assert_eq!(decode(vec![0xff; 30]), Err(BrokenRule::Undecodable));
    assert_eq!(
        decode(vec![0; limit::MAX_FRAME_BYTES + 1]),
        Err(BrokenRule::FrameTooLong)
    );
}

#[test]
fn every_word_of_the_relay_comes_back() {
    let alert = AlertId::from_bytes([3; 16]);
    let all = [
        RelayFrame::Receipt(Receipt {
            alert,
            number: ReportNumber(9),
            durability: Durability::Local,
            is_final: true,
        }),
        RelayFrame::Refusal(Refusal::of(
            BrokenRule::EarlyData,
            Some((alert, ReportNumber(2))),
        )),
        RelayFrame::Refusal(Refusal::of(BrokenRule::Undecodable, None)),
        RelayFrame::Status(Status {
            alert,
            progress: Progress::Seen,
            at: UnixMillis::new(4),
        }),
        RelayFrame::Status(Status {
            alert,
            progress: Progress::Stored,
            at: UnixMillis::new(4),
        }),
        RelayFrame::Message(Message {
            alert,
            id: DecisionId::from_bytes([4; 16]),
            text: "곧 도착".into(),
            at: UnixMillis::new(5),
        }),
        RelayFrame::Unknown,
    ];
    for frame in all {
        assert_eq!(
            decode_relay_frame(&encode_relay_frame(&frame).into()),
            Ok(frame)
        );
    }
}

#[test]
fn rules_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> = BrokenRule::ALL.map(BrokenRule::name).into();
    assert_eq!(names.len(), BrokenRule::ALL.len());
}

#[test]
fn a_length_that_lies_is_bounded() {
    let mut deframer = Deframer::default();
    deframer.push(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(deframer.next_frame(), Err(BrokenRule::FrameTooLong));
    let mut deframer = Deframer::default();
    deframer.push(&[0x80; 5]);
    assert_eq!(deframer.next_frame(), Err(BrokenRule::BadLength));
}

proptest! {
    #[test]
    fn frames_come_out_whole_whatever_the_pieces(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        piece in 1_usize..70,
    ) {
        let stream: Vec<u8> = frames.iter().flat_map(|frame| delimit(frame)).collect();
        let mut deframer = Deframer::default();
        let mut out = Vec::new();
        for part in stream.chunks(piece) {
            deframer.push(part);
            while let Some(frame) = deframer.next_frame().unwrap() {
                out.push(frame.to_vec());
            }
        }
        prop_assert_eq!(out, frames);
        prop_assert!(!deframer.is_inside_frame());
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(bytes.clone());
        let _ = decode_relay_frame(&bytes.clone().into());
        let mut deframer = Deframer::default();
        deframer.push(&bytes);
        while let Ok(Some(_)) = deframer.next_frame() {}
    }

    #[test]
    fn flipped_bits_never_panic(at in 0_usize..200, bit in 0_u8..8) {
        let raise = Raise { fix: Some(Ok(city_hall())), ..Raise::default() };
        let mut bytes = encode_frame(&report(Content::Raise(raise)));
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let _ = decode(bytes);
    }
}
