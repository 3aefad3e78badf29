//! What the log says to phones.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use journal::incident_rows::Gathered;
use journal::trim::RETENTION_MS;
use journal::{LogName, Offset, Tailed};
use protocol::{
    Decision, DecisionHeader, DecisionId, DecisionKind, DeskId, Header, IncidentId, OfficerId,
    Outcome, Progress, Revision, Subject, join,
};

use super::site::{Phone, Site, alert, device, position, raise, soon, until};
use crate::io::rng::SystemRng;

/// Appends what a dispatcher would.
pub(super) async fn decide(
    site: &Site,
    id: u8,
    revision: u64,
    kind: DecisionKind,
    decision: Option<Decision>,
) {
    let header = Header {
        time: site.now(),
        day: site.now().day(),
        subject: Subject::Decision(DecisionHeader {
            id: DecisionId::from_bytes([id; 16]),
            incident: IncidentId::of(&device(), &alert(1)),
            device: device(),
            alert: alert(1),
            kind,
            revision: Revision(revision),
            officer: (kind != DecisionKind::Assigned).then(|| OfficerId::new("kim")),
            owner_desk: (kind == DecisionKind::Assigned).then(DeskId::national),
            due_at: None,
        }),
    };
    let bytes = header.encode();
    let body = decision
        .map(|decision| decision.encode())
        .unwrap_or_default();
    let day = journal::Day(header.day.0);
    let key = site.day_keys.get(day).unwrap().unwrap();
    let (device, alert) = (device().to_bytes(), alert(1));
    let sealed = journal::seal(
        &key,
        &device,
        alert.as_bytes(),
        &bytes,
        &body,
        &mut SystemRng,
    );
    let entry = join(&bytes, &sealed.unwrap());
    soon(site.journal.append(LogName::Alerts, vec![entry]))
        .await
        .unwrap();
}

pub(super) async fn hear_progress(phone: &mut Phone, progress: Progress) {
    let status = phone.hear_status().await;
    assert_eq!((status.alert, status.progress), (alert(1), progress));
}

#[tokio::test]
async fn status_and_words_travel_back_and_come_again_to_a_phone_that_reconnects() {
    let site = Site::new();
    let relay = site.relay();
    let client = site.client();
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    hear_progress(&mut phone, Progress::Received).await;
    decide(&site, 1, 1, DecisionKind::Assigned, None).await;
    hear_progress(&mut phone, Progress::Routed).await;
    decide(&site, 2, 2, DecisionKind::Acknowledged, None).await;
    hear_progress(&mut phone, Progress::Seen).await;
    let words = Decision::Message("곧 도착합니다".to_owned());
    decide(&site, 3, 0, DecisionKind::Message, Some(words)).await;
    let message = phone.hear_message().await;
    assert_eq!(message.text, "곧 도착합니다");
    assert_eq!(message.id, DecisionId::from_bytes([3; 16]));
    let mut again = Phone::connect(&client, relay.local_addr()).await;
    again.say(&raise(1, 1)).await;
    hear_progress(&mut again, Progress::Seen).await;
    assert_eq!(again.hear_message().await, message);
    let end = Decision::Closed {
        outcome: Outcome::Helped,
        note: String::new(),
    };
    decide(&site, 4, 3, DecisionKind::Closed, Some(end)).await;
    for phone in [&mut phone, &mut again] {
        hear_progress(phone, Progress::Closed).await;
        phone.connection.send_datagram(position(1, 2)).unwrap();
        assert_eq!(phone.hear_refusal().await.rule, "no_open_alert");
    }
    assert!(relay.metrics().words.get() >= 8);
}

#[tokio::test]
async fn what_happened_while_no_relay_ran_is_known_to_the_next() {
    let site = Site::new();
    let relay = site.relay();
    let client = site.client();
    Phone::connect(&client, relay.local_addr())
        .await
        .raise_and_leave(1)
        .await;
    relay.shutdown().await;
    decide(&site, 1, 1, DecisionKind::Assigned, None).await;
    let relay = site.relay();
    until(|| relay.metrics().incidents.get() == 1).await;
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    hear_progress(&mut phone, Progress::Routed).await;
    assert_eq!(
        site.journal.end(LogName::Alerts).0,
        2,
        "the raise was known"
    );
}

#[tokio::test]
async fn no_entry_stops_the_fold() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    hear_progress(&mut phone, Progress::Received).await;
    let broken = vec![
        Bytes::from_static(&[0xff; 9]),
        Bytes::from_static(b"\0\x01\xff"),
    ];
    soon(site.journal.append(LogName::Alerts, broken))
        .await
        .unwrap();
    decide(&site, 1, 1, DecisionKind::Assigned, None).await;
    hear_progress(&mut phone, Progress::Routed).await;
    assert_eq!(relay.metrics().entries_undecodable.get(), 2);
}

#[tokio::test]
async fn a_message_whose_key_is_gone_is_counted_and_the_rest_goes_on() {
    let site = Site::new();
    let relay = site.relay();
    let client = site.client();
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    hear_progress(&mut phone, Progress::Received).await;
    let words = Decision::Message("words".to_owned());
    decide(&site, 3, 0, DecisionKind::Message, Some(words)).await;
    assert_eq!(phone.hear_message().await.text, "words");
    site.day_keys
        .delete(journal::Day(site.now().day().0))
        .unwrap();
    let mut again = Phone::connect(&client, relay.local_addr()).await;
    again.say(&raise(1, 1)).await;
    hear_progress(&mut again, Progress::Received).await;
    assert_eq!(relay.metrics().words_lost.get(), 1);
}

/// A snapshot of all that is in the alert log, and the log trimmed behind it.
async fn snapshot_and_trim(site: &Site) {
    let end = site.journal.end(LogName::Alerts);
    let mut tail = site.journal.tail(LogName::Alerts, Offset::ZERO);
    let mut gathered = Gathered::default();
    while tail.cursor() < end {
        let Tailed::Entries { first, entries } = soon(tail.next()).await.unwrap() else {
            panic!("the log has a gap");
        };
        for (offset, entry) in (first.0..).zip(entries) {
            let incident = IncidentId::of(&device(), &alert(1));
            gathered.add(Some(incident), Offset(offset), entry);
        }
    }
    site.now_ms.fetch_add(2 * RETENTION_MS, Ordering::SeqCst);
    for slice in gathered.slices(end) {
        soon(site.journal.snapshot_write(slice)).await.unwrap();
    }
    let now_ms = site.now_ms.load(Ordering::SeqCst);
    soon(site.journal.trim(now_ms)).await.unwrap();
    assert_eq!(site.journal.first(LogName::Alerts).await, Ok(end));
}

async fn close(site: &Site, id: u8, revision: u64) {
    let end = Decision::Closed {
        outcome: Outcome::Helped,
        note: String::new(),
    };
    decide(site, id, revision, DecisionKind::Closed, Some(end)).await;
}

#[tokio::test]
async fn an_alert_whose_entries_were_trimmed_is_still_known_as_closed() {
    let site = Site::new();
    let client = site.client();
    let relay = site.relay();
    let phone = Phone::connect(&client, relay.local_addr()).await;
    phone.raise_and_leave(1).await;
    relay.shutdown().await;
    decide(&site, 1, 1, DecisionKind::Assigned, None).await;
    close(&site, 2, 2).await;
    snapshot_and_trim(&site).await;
    let end = site.journal.end(LogName::Alerts);
    let relay = site.relay();
    until(|| relay.metrics().incidents.get() == 1).await;
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    // In one write: the position is read together with the raise that it stands on.
    let both = [
        protocol::wire::delimit(&raise(1, 1)),
        protocol::wire::delimit(&position(1, 2)),
    ];
    soon(phone.sending.write_all(&both.concat())).await.unwrap();
    assert_eq!(phone.hear_receipt().await.number.0, 1);
    assert_eq!(phone.hear_refusal().await.rule, "no_open_alert");
    let mut again = Phone::connect(&client, relay.local_addr()).await;
    again.say(&raise(1, 1)).await;
    hear_progress(&mut again, Progress::Closed).await;
    assert_eq!(
        site.journal.end(LogName::Alerts),
        end,
        "the raise was known"
    );
    assert_eq!(site.journal.end(LogName::Tracks), Offset::ZERO);
    assert_eq!(relay.metrics().duplicates.get(), 2);
}

#[tokio::test]
async fn what_the_snapshot_and_the_log_both_tell_counts_once() {
    let site = Site::new();
    let client = site.client();
    let relay = site.relay();
    let phone = Phone::connect(&client, relay.local_addr()).await;
    phone.raise_and_leave(1).await;
    relay.shutdown().await;
    snapshot_and_trim(&site).await;
    decide(&site, 1, 1, DecisionKind::Assigned, None).await;
    let words = Decision::Message("곧".to_owned());
    decide(&site, 3, 0, DecisionKind::Message, Some(words)).await;
    let relay = site.relay();
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    assert_eq!(phone.hear_message().await.text, "곧");
    close(&site, 4, 2).await;
    loop {
        let status = phone.hear_status().await;
        if status.progress == Progress::Closed {
            break;
        }
    }
}
