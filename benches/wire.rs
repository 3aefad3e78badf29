//! What a frame, a token and a sealed body cost, each beside the least that it could cost.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a bench measures with the clock, and ends where something is wrong"
)]

#[path = "support/calls.rs"]
mod calls;
mod support;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use bytes::Bytes;
use calls::side_by_side;
use journal::{DayKey, open, seal};
use protocol::token::{Claims, Issuer, PersonRef};
use protocol::wire::{Frame, decode_frame, encode_frame};
use protocol::{
    AlertId, Content, InstallKey, LatLon, Position, Raise, Report, ReportNumber, UnixMillis,
};
use rand::SeedableRng as _;
use rand::rngs::ChaCha20Rng;
use serde_json::json;
use support::{rounded, row};

const TABLE: &str = "Wire: nanoseconds of one call, and how many times the compared call";
const NOW: UnixMillis = UnixMillis::new(1_795_245_000_000);

fn main() {
    if !support::is_asked() {
        return;
    }
    frames();
    tokens();
    bodies();
}

fn told(name: &str, compared: &str, (ours, other): (f64, f64)) {
    let columns = json!({
        "ns": rounded(ours),
        "compared with": compared,
        "its ns": rounded(other),
        "ratio": rounded(ours / other),
    });
    row(TABLE, name, columns);
}

fn frame(content: Content, token: Bytes) -> Bytes {
    let report = Report {
        alert: AlertId::new(NOW, [1; 10]),
        number: ReportNumber(300),
        sent_at: Some(NOW),
        install_key: Some(InstallKey([2; 16])),
        content,
    };
    encode_frame(&Frame { report, token }).into()
}

fn frames() {
    let position = Position::at(LatLon::new(37.566_3, 126.977_9).unwrap());
    let raise = Raise {
        fix: Some(Ok(position.clone())),
        ..Raise::default()
    };
    let text = json!({
        "alert": "01a1fcf0-c540-7a5a-9a5a-5a5a5a5a5a5a", "number": 300, "lat": 37.5663, "lon": 126.9779,
        "sent_at_ms": NOW, "install_key": "22222222222222222222222222222222",
    })
    .to_string();
    let as_json = || serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let bytes = frame(Content::Position(Ok(position)), Bytes::new());
    told(
        &format!("decode a position ({} bytes)", bytes.len()),
        "the same as JSON",
        side_by_side(20_000, || decode_frame(&bytes).unwrap(), as_json),
    );
    let bytes = frame(Content::Raise(raise), Bytes::from(vec![7; 150]));
    told(
        &format!("decode a raise with token ({} bytes)", bytes.len()),
        "the same as JSON",
        side_by_side(20_000, || decode_frame(&bytes).unwrap(), as_json),
    );
}

fn tokens() {
    let issuer = Issuer::from_seed(&[42; 32]).unwrap();
    let claims = Claims {
        device: [1; 16],
        person: PersonRef([2; 16]),
        issued_at: NOW,
        expires_at: UnixMillis::new(NOW.as_i64() + 1_000_000),
        drill: false,
    };
    let (token, authority) = (issuer.issue(&claims).unwrap(), issuer.authority());
    let key = Ed25519KeyPair::from_seed_unchecked(&[42; 32]).unwrap();
    let message = vec![9; token.len()];
    let signature = key.sign(&message);
    let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref().to_vec());
    told(
        &format!("check a token ({} bytes)", token.len()),
        "a bare Ed25519 verification",
        side_by_side(
            500,
            || authority.check(&token, NOW),
            || public.verify(&message, signature.as_ref()).unwrap(),
        ),
    );
}

fn bodies() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let day_key = DayKey::generate(&mut rng);
    let body = vec![7; 120];
    let bare = LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &[1; 32]).unwrap());
    let encrypt = || {
        let mut copy = body.clone();
        let nonce = Nonce::assume_unique_for_key([3; 12]);
        bare.seal_in_place_append_tag(nonce, Aad::from(b"header"), &mut copy)
            .unwrap();
        copy
    };
    let sealed = seal(&day_key, &[1; 17], &[2; 16], b"header", &body, &mut rng).unwrap();
    let seal_it = || seal(&day_key, &[1; 17], &[2; 16], b"header", &body, &mut rng).unwrap();
    told(
        "seal a body of 120 bytes",
        "AES-256-GCM-SIV with a key at hand",
        side_by_side(5_000, seal_it, encrypt),
    );
    let open_it = || open(&day_key, &[1; 17], &[2; 16], b"header", &sealed).unwrap();
    told(
        "open a body of 120 bytes",
        "AES-256-GCM-SIV with a key at hand",
        side_by_side(5_000, open_it, encrypt),
    );
}
