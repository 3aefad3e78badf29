use proptest::prelude::*;

use super::*;

fn report() -> Header {
    Header {
        time: UnixMillis::new(1_795_245_000_000),
        day: Day(20_778),
        subject: Subject::Report(ReportHeader {
            device: DeviceId::Enrolled([1; 16]),
            alert: AlertId::from_bytes([2; 16]),
            number: ReportNumber(257),
            kind: ReportKind::Raise,
            verification: Verification::Expired,
            drill: true,
        }),
    }
}

fn decision() -> Header {
    let device = DeviceId::Install(crate::InstallKey([3; 16]));
    let alert = AlertId::from_bytes([2; 16]);
    Header {
        time: UnixMillis::new(5),
        day: Day(0),
        subject: Subject::Decision(DecisionHeader {
            id: DecisionId::from_bytes([9; 16]),
            incident: IncidentId::of(&device, &alert),
            device,
            alert,
            kind: DecisionKind::Assigned,
            revision: Revision(1),
            officer: Some(OfficerId::new("kim")),
            owner_desk: Some(DeskId::new("station:서울특별시경찰청/서울종로경찰서")),
            due_at: Some(UnixMillis::new(35_000)),
        }),
    }
}

#[test]
fn header_and_body_come_back_byte_for_byte() {
    let of_site = [
        Site::MapInForce(MapVersion::new("1")),
        Site::SignedIn(OfficerId::new("kim")),
        Site::FormatInForce(FormatVersion(2)),
    ];
    let of_site = of_site.map(|site| Header {
        subject: Subject::Site(site),
        ..report()
    });
    for header in of_site.into_iter().chain([report(), decision()]) {
        let header_bytes = header.encode();
        let bytes = join(&header_bytes, b"sealed");
        let entry = Entry::decode(&bytes).unwrap();
        assert_eq!(entry.header, header);
        assert_eq!(entry.header_bytes, header_bytes);
        assert_eq!(entry.sealed.as_ref(), b"sealed");
    }
}

#[test]
fn golden_bytes_of_a_report_header() {
    let hex: String = report()
        .encode()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        concat!(
            "0801",                                   // kind: raise
            "12110101010101010101010101010101010101", // device: tag, 16 bytes
            "1a1002020202020202020202020202020202",   // alert
            "208102",                                 // number 257
            "2940c5f0fca1010000",                     // time
            "30aaa201",                               // day 20,778
            "3803",                                   // verification: expired
            "4001",                                   // drill
        )
    );
}

#[test]
fn a_kind_of_a_later_release_is_no_error() {
    let later = pb::Header {
        kind: 4_000,
        ..pb::Header::default()
    };
    let bytes = join(&later.encode_to_vec(), b"x");
    assert_eq!(
        Entry::decode(&bytes).unwrap().header.subject,
        Subject::Unknown
    );
}

#[test]
fn an_entry_that_ends_in_its_header_is_an_error() {
    let bytes = join(&report().encode(), b"");
    for end in 0..bytes.len() {
        assert!(Entry::decode(&bytes.slice(..end)).is_err(), "cut at {end}");
    }
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Entry::decode(&Bytes::from(bytes));
    }

    #[test]
    fn flipped_bits_never_panic(at in 0_usize..60, bit in 0_u8..8) {
        let mut bytes = join(&decision().encode(), b"sealed").to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let _ = Entry::decode(&Bytes::from(bytes));
    }
}
