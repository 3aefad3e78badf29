//! `docs/protocol.md` is normative: its examples decode, its tables name what the code knows.

use std::fmt::Write as _;

use bytes::Bytes;
use protocol::wire::{
    BrokenRule, Deframer, Durability, Frame, Message, Progress, Receipt, Refusal, RelayFrame,
    Status, decode_frame, decode_relay_frame, delimit, encode_frame, encode_relay_frame,
};
use protocol::{
    AlertId, CancelMeaning, Capability, ConfidencePercent, Content, DecisionId, DeviceState, Fix,
    HearsText, InstallKey, LatLon, Millis, Position, RadiusMetres, Raise, Report, ReportNumber,
    SitePrivateKey, Source, UnixMillis, hex, limit,
};
use rand::SeedableRng as _;
use rand::rngs::ChaCha20Rng;
use relay::CloseCode;
use serde_json::{Value, json};

use crate::support::{in_checkout, read_in_checkout};

const DOCUMENT: &str = "docs/protocol.md";
const MARK: &str = "<!-- examples:";
const PRESS: UnixMillis = UnixMillis::new(1_795_245_000_000);

#[test]
fn the_examples_are_what_the_code_writes_and_reads() {
    let document = read_in_checkout(DOCUMENT);
    let head = document.find(MARK).expect("the mark of the examples");
    let head_end = head + document[head..].find("-->").expect("the mark ends") + 3;
    let fresh = format!("{}\n{}", &document[..head_end], examples());
    if std::env::var_os("ANSIM_WRITE_EXAMPLES").is_some() {
        std::fs::write(in_checkout(DOCUMENT), &fresh).expect("the document can be written");
        return;
    }
    assert!(
        document == fresh,
        "run with ANSIM_WRITE_EXAMPLES=1 and read what changed"
    );
}

#[test]
fn every_example_decodes_from_its_digits_to_what_is_written_behind_it() {
    let document = read_in_checkout(DOCUMENT);
    let mut blocks = document.split("```").skip(1).step_by(2);
    let mut decoded = 0;
    while let Some(block) = blocks.next() {
        let Some(digits) = block.strip_prefix("hex ") else {
            continue;
        };
        let (kind, digits) = digits.split_once('\n').expect("digits under the kind");
        let bytes = hex::decode(&digits.split_whitespace().collect::<String>()).expect("digits");
        let told = blocks
            .next()
            .and_then(|block| block.strip_prefix("json\n"))
            .expect("its JSON");
        let told: Value = serde_json::from_str(told).expect("JSON");
        assert_eq!(decode(kind.trim(), &bytes), told, "{kind}");
        decoded += 1;
    }
    assert!(decoded >= 10, "only {decoded} examples");
}

#[test]
fn the_tables_name_every_rule_code_and_limit() {
    let document = read_in_checkout(DOCUMENT);
    for rule in BrokenRule::ALL {
        assert!(
            document.contains(&format!("| `{}` |", rule.name())),
            "{}",
            rule.name()
        );
    }
    for code in CloseCode::ALL {
        let row = format!("| {} | `{}` |", code.code(), code.name());
        assert!(document.contains(&row), "{row}");
    }
    let patience = relay::limits::Patience::default();
    let seconds = |millis: Millis| format!("{} s", millis.0 / 1000);
    let facts = [
        format!("above {} bytes", thousands(limit::MAX_DATAGRAM_FRAME_BYTES)),
        format!("above {} closes", thousands(limit::MAX_FRAME_BYTES)),
        format!(
            "at most {} bytes of UTF-8",
            thousands(limit::MAX_TEXT_BYTES)
        ),
        format!("at most {}", limit::MAX_TRAIL_POSITIONS),
        format!("{} bytes, always", limit::CANCEL_CODE_BYTES),
        format!("nothing said for {}", seconds(patience.idle)),
        format!("did not end within {}", seconds(patience.frame)),
        format!("more than {}", seconds(patience.handshake)),
        format!(
            "{} s with a receipt of the raise that is not final",
            client::FINAL_TIMEOUT.as_secs()
        ),
        format!(
            "{} s without a completed handshake",
            client::HANDSHAKE_TIMEOUT.as_secs()
        ),
    ];
    for fact in facts {
        assert!(document.contains(&fact), "{fact}");
    }
}

fn thousands(number: usize) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

fn alert() -> AlertId {
    AlertId::new(PRESS, [0x5a; 10])
}

fn city_hall() -> Position {
    Position {
        radius: RadiusMetres::new(12.0).ok(),
        confidence: ConfidencePercent::new(68.0),
        fix_at: Some(PRESS.minus(Millis::from_secs(4))),
        source: Source::Gnss,
        ..Position::at(LatLon::new(37.566_3, 126.977_9).expect("in range"))
    }
}

fn said(number: u64, token: &'static [u8], content: Content) -> Vec<u8> {
    let report = Report {
        alert: alert(),
        number: ReportNumber(number),
        sent_at: Some(PRESS),
        install_key: Some(InstallKey([0x22; 16])),
        content,
    };
    encode_frame(&Frame {
        report,
        token: Bytes::from_static(token),
    })
}

fn site_key() -> SitePrivateKey {
    SitePrivateKey::from_bytes([5; 32]).expect("any 32 bytes are an X25519 key")
}

fn examples() -> String {
    let raise = Raise {
        fix: Some(Ok(city_hall())),
        device_state: DeviceState {
            battery_percent: Some(81),
            charging: Some(false),
        },
        capability: Capability {
            hears_text: HearsText::Covertly,
            shows: "a notice that looks like the weather".to_owned(),
        },
        exercise: false,
        interval: Some(Millis::from_secs(5)),
    };
    let cancel = site_key()
        .public_key()
        .and_then(|key| {
            let mut rng = ChaCha20Rng::seed_from_u64(1);
            key.seal(CancelMeaning::Duress, &alert(), ReportNumber(5), &mut rng)
        })
        .expect("a key");
    let unknown = {
        let mut bytes = said(7, b"", Content::Unknown);
        bytes.extend_from_slice(&[0xa2, 0x06, 0x02, 0x08, 0x01]); // field 100: a later report
        bytes
    };
    let phone = [
        (
            "A raise with token and fix, on a stream",
            "phone-stream",
            said(1, b"\xd2token", Content::Raise(raise)),
        ),
        (
            "A raise without any fix",
            "phone-stream",
            said(1, b"\xd2token", Content::Raise(Raise::default())),
        ),
        (
            "A position, in a datagram",
            "phone-datagram",
            said(2, b"", Content::Position(Ok(city_hall()))),
        ),
        (
            "A trail of a gap",
            "phone-stream",
            said(
                3,
                b"",
                Content::Trail(vec![Ok(city_hall()), Ok(city_hall())]),
            ),
        ),
        (
            "A text",
            "phone-stream",
            said(4, b"", Content::Text("문 뒤에 있어요".to_owned())),
        ),
        (
            "A cancel under duress; the site's private key of this example is 32 bytes of `05`",
            "phone-stream",
            said(5, b"", Content::Cancel(cancel)),
        ),
        (
            "The battery",
            "phone-stream",
            said(
                6,
                b"",
                Content::DeviceState(DeviceState {
                    battery_percent: Some(9),
                    charging: None,
                }),
            ),
        ),
        (
            "A report of a later release: taken, kept and receipted",
            "phone-stream",
            unknown,
        ),
    ];
    let relay = [
        (
            "A receipt",
            RelayFrame::Receipt(Receipt {
                alert: alert(),
                number: ReportNumber(1),
                durability: Durability::Local,
                is_final: true,
            }),
        ),
        (
            "A refusal",
            RelayFrame::Refusal(Refusal::of(
                BrokenRule::EarlyData,
                Some((alert(), ReportNumber(5))),
            )),
        ),
        (
            "A status",
            RelayFrame::Status(Status {
                alert: alert(),
                progress: Progress::Seen,
                at: PRESS.plus(Millis(9_000)),
            }),
        ),
        (
            "The status of an alert that the relay has and cannot forward",
            RelayFrame::Status(Status {
                alert: alert(),
                progress: Progress::Stored,
                at: PRESS.plus(Millis(2_500)),
            }),
        ),
        (
            "An officer's words",
            RelayFrame::Message(Message {
                alert: alert(),
                id: DecisionId::from_bytes([0x33; 16]),
                text: "경찰이 가고 있습니다".to_owned(),
                at: PRESS.plus(Millis(11_000)),
            }),
        ),
    ];
    let mut text = String::new();
    for (title, kind, frame) in phone {
        let bytes = if kind == "phone-stream" {
            delimit(&frame)
        } else {
            frame
        };
        write_example(&mut text, title, kind, &bytes);
    }
    for (title, frame) in relay {
        write_example(
            &mut text,
            title,
            "relay-stream",
            &delimit(&encode_relay_frame(&frame)),
        );
    }
    text
}

fn write_example(text: &mut String, title: &str, kind: &str, bytes: &[u8]) {
    let digits = hex::encode(bytes);
    let lines: Vec<_> = digits
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let told = serde_json::to_string_pretty(&decode(kind, bytes)).expect("JSON");
    writeln!(
        text,
        "\n{title}:\n\n```hex {kind}\n{}\n```\n\n```json\n{told}\n```",
        lines.join("\n")
    )
    .expect("a String takes everything");
}

fn decode(kind: &str, bytes: &[u8]) -> Value {
    let frame = if kind.ends_with("stream") {
        let mut deframer = Deframer::default();
        deframer.push(bytes);
        let frame = deframer
            .next_frame()
            .expect("a length")
            .expect("a whole frame");
        assert!(!deframer.is_inside_frame(), "one frame and nothing else");
        frame
    } else {
        Bytes::copy_from_slice(bytes)
    };
    if kind.starts_with("relay") {
        relay_frame(&frame)
    } else {
        phone_frame(&frame)
    }
}

fn phone_frame(bytes: &Bytes) -> Value {
    let frame = decode_frame(bytes).expect("a frame");
    let report = frame.report;
    json!({
        "token": hex::encode(&frame.token),
        "install_key": report.install_key.map(|key| hex::encode(&key.0)),
        "alert_id": report.alert.to_string(),
        "number": report.number,
        "sent_at_ms": report.sent_at,
        "report": content(&report.content, &report),
    })
}

fn content(content: &Content, report: &Report) -> Value {
    match content {
        Content::Raise(raise) => json!({ "raise": {
            "position": raise.fix.as_ref().map(fix),
            "battery_percent": raise.device_state.battery_percent,
            "charging": raise.device_state.charging,
            "hears_text": format!("{:?}", raise.capability.hears_text),
            "shows": raise.capability.shows,
            "exercise": raise.exercise,
            "interval_ms": raise.interval,
        }}),
        Content::Position(position) => json!({ "position": fix(position) }),
        Content::Trail(fixes) => json!({ "trail": fixes.iter().map(fix).collect::<Vec<_>>() }),
        Content::Text(text) => json!({ "text": text }),
        Content::Cancel(code) => {
            let meaning = site_key().open(code, &report.alert, report.number);
            json!({ "cancel": { "code_bytes": code.len(), "meaning": meaning.as_str() } })
        }
        Content::DeviceState(state) => json!({ "device_state": {
            "battery_percent": state.battery_percent,
            "charging": state.charging,
        }}),
        Content::Unknown => json!("unknown"),
    }
}

fn fix(fix: &Fix) -> Value {
    let Ok(position) = fix else {
        return json!("unusable");
    };
    json!({
        "lat": position.at.lat_deg(),
        "lon": position.at.lon_deg(),
        "radius_m": position.radius.map(RadiusMetres::metres),
        "confidence_percent": position.confidence.map(ConfidencePercent::percent),
        "fix_at_ms": position.fix_at,
        "source": format!("{:?}", position.source),
    })
}

fn relay_frame(bytes: &Bytes) -> Value {
    match decode_relay_frame(bytes).expect("a frame") {
        RelayFrame::Receipt(receipt) => json!({ "receipt": {
            "alert_id": receipt.alert.to_string(),
            "number": receipt.number,
            "durability": format!("{:?}", receipt.durability),
            "final": receipt.is_final,
        }}),
        RelayFrame::Refusal(refusal) => json!({ "refusal": {
            "rule": refusal.rule,
            "text": refusal.text,
            "alert_id": refusal.report.map(|(alert, _)| alert.to_string()),
            "number": refusal.report.map(|(_, number)| number),
        }}),
        RelayFrame::Status(status) => json!({ "status": {
            "alert_id": status.alert.to_string(),
            "state": format!("{:?}", status.progress),
            "at_ms": status.at,
        }}),
        RelayFrame::Message(message) => json!({ "message": {
            "alert_id": message.alert.to_string(),
            "message_id": message.id.to_string(),
            "text": message.text,
            "at_ms": message.at,
        }}),
        RelayFrame::Unknown => json!("unknown"),
    }
}
