use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

fn key(byte: u8) -> DayKey {
    DayKey::from_bytes(&mut [byte; KEY_BYTES])
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

fn sealed() -> Vec<u8> {
    seal(
        &key(7),
        b"device",
        b"alert",
        b"header",
        b"37.5665 126.9780",
        &mut rng(),
    )
    .unwrap()
}

#[test]
fn round_trip() {
    let opened = open(&key(7), b"device", b"alert", b"header", &sealed());
    assert_eq!(opened.as_deref(), Ok(&b"37.5665 126.9780"[..]));
    assert_eq!(sealed().len(), 16 + SEALED_OVERHEAD_BYTES);
}

/// Computed with other code: HKDF by hand over Python's `hmac`, AES-256-GCM-SIV by its package
/// `cryptography`.
#[test]
fn golden_vector() {
    let day_key = DayKey::from_bytes(&mut std::array::from_fn(|n| n as u8));
    let golden = b"\x01\
        \x40\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4a\x4b\
        \xd6\x95\xec\x3d\x4f\x10\xa3\xdf\x31\x46\x03\xa8\xf3\x23\x85\x8f\
        \x1a\xce\xb2\x8a\xd1\x61\x34\x25\xc3\xd3\xa9\x4f\xcf\x80\x23\xc8";
    let opened = open(&day_key, b"device", b"alert", b"header", golden);
    assert_eq!(opened.as_deref(), Ok(&b"37.5665 126.9780"[..]));
}

#[test]
fn another_day_device_alert_or_header_opens_nothing() {
    let sealed = sealed();
    let not = Err(OpenBodyError::NotAuthentic);
    assert_eq!(open(&key(8), b"device", b"alert", b"header", &sealed), not);
    assert_eq!(open(&key(7), b"devicf", b"alert", b"header", &sealed), not);
    assert_eq!(open(&key(7), b"device", b"alers", b"header", &sealed), not);
    assert_eq!(open(&key(7), b"device", b"alert", b"Header", &sealed), not);
    assert_eq!(
        open(&key(7), b"devicea", b"lert", b"header", &sealed),
        not,
        "shifted ids"
    );
}

#[test]
fn every_changed_byte_and_every_cut_is_noticed() {
    let sealed = sealed();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(
            open(&key(7), b"device", b"alert", b"header", &changed).is_err(),
            "byte {at}"
        );
        assert!(
            open(&key(7), b"device", b"alert", b"header", &sealed[..at]).is_err(),
            "cut {at}"
        );
    }
}

#[test]
fn ids_that_are_too_long_are_refused() {
    let long = [0; ID_BYTES_MAX + 1];
    let refused = Err(OpenBodyError::IdTooLong);
    assert_eq!(
        seal(&key(7), &long, b"alert", b"", b"", &mut rng()),
        refused
    );
    assert_eq!(
        seal(&key(7), b"device", &long, b"", b"", &mut rng()),
        refused
    );
}

#[test]
fn keys_are_never_printed() {
    assert_eq!(format!("{:?}", key(7)), "DayKey(redacted)");
}

#[test]
fn days_are_utc() {
    assert_eq!(Day::of_unix_ms(0), Day(0));
    assert_eq!(Day::of_unix_ms(86_399_999), Day(0));
    assert_eq!(Day::of_unix_ms(86_400_000), Day(1));
    assert_eq!(Day::of_unix_ms(u64::MAX), Day(u32::MAX));
}

proptest! {
    #[test]
    fn any_body_comes_back_and_is_not_readable(
        device in prop::collection::vec(any::<u8>(), 0..40),
        alert in prop::collection::vec(any::<u8>(), 0..40),
        aad in prop::collection::vec(any::<u8>(), 0..60),
        body in prop::collection::vec(any::<u8>(), 12..300),
        seed: u64,
    ) {
        let mut rng = StdRng::seed_from_u64(seed);
        let day_key = DayKey::generate(&mut rng);
        let sealed = seal(&day_key, &device, &alert, &aad, &body, &mut rng).unwrap();
        prop_assert!(!sealed.windows(body.len()).any(|window| window == body));
        prop_assert_eq!(open(&day_key, &device, &alert, &aad, &sealed), Ok(body));
    }

    #[test]
    fn hostile_bytes_open_nothing(sealed in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(open(&key(7), b"device", b"alert", b"header", &sealed).is_err());
    }
}
