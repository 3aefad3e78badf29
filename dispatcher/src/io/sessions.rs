//! Who is signed in.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::{Millis, OfficerId, UnixMillis};
use tokio_util::sync::CancellationToken;

use crate::desk::Officer;

/// Bytes of a session's secret: nobody guesses 256 bits.
pub const SECRET_BYTES: usize = 32;

/// A page that has asked for nothing for so long is gone. An open stream counts as asking.
pub const IDLE_LIFETIME: Millis = Millis::from_secs(30 * 60);

/// A night's shift, the overtime after it and its handover; then the officer signs in anew.
pub const LIFETIME: Millis = Millis::from_secs(24 * 3600);

/// Sessions of all officers. Korea has 262 stations; this is 38 for each.
pub const MAX_SESSIONS: usize = 10_000;

/// Sessions of one officer: a few browsers on a few screens. The one used least recently ends.
pub const MAX_SESSIONS_OF_ONE: usize = 8;

/// Sessions, kept in memory alone: a restart of the dispatcher signs everybody out. Of a secret
/// only its SHA-256 is kept, so that memory that leaks signs nobody in.
#[derive(Debug, Default)]
pub struct Sessions {
    known: Mutex<BTreeMap<SecretHash, Kept>>,
}

type SecretHash = [u8; digest::SHA256_OUTPUT_LEN];

#[derive(Debug)]
struct Kept {
    session: Session,
    opened_at: UnixMillis,
    used_at: UnixMillis,
}

/// An officer who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub officer: Officer,
    /// Ends with the session: what still runs for it ends too.
    pub ended: CancellationToken,
    hash: SecretHash,
}

impl Sessions {
    /// Opens a session under a fresh secret and returns the cookie's value.
    pub fn open(&self, officer: Officer, secret: [u8; SECRET_BYTES], now: UnixMillis) -> String {
        let hash = hash_of(&secret);
        let session = Session {
            officer,
            ended: CancellationToken::new(),
            hash,
        };
        let mut known = self.lock();
        known.retain(|_, kept| keep(kept, now));
        let of_one = |kept: &Kept, id: &OfficerId| kept.session.officer.id == *id;
        let id = session.officer.id.clone();
        if known.values().filter(|kept| of_one(kept, &id)).count() >= MAX_SESSIONS_OF_ONE {
            end_oldest(&mut known, |kept| of_one(kept, &id));
        }
        if known.len() >= MAX_SESSIONS {
            end_oldest(&mut known, |_| true);
        }
        known.insert(
            hash,
            Kept {
                session,
                opened_at: now,
                used_at: now,
            },
        );
        URL_SAFE_NO_PAD.encode(secret)
    }

    /// The session of a cookie's value, which is thereby used.
    #[must_use]
    pub fn find(&self, cookie: &str, now: UnixMillis) -> Option<Session> {
        let secret = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        self.use_at(hash_of(&secret), now)
    }

    /// Whether a session is still open; an open stream thereby keeps it in use.
    #[must_use]
    pub fn is_open(&self, session: &Session, now: UnixMillis) -> bool {
        self.use_at(session.hash, now).is_some()
    }

    fn use_at(&self, hash: SecretHash, now: UnixMillis) -> Option<Session> {
        let mut known = self.lock();
        let kept = known.get_mut(&hash)?;
        if !keep(kept, now) {
            known.remove(&hash);
            return None;
        }
        kept.used_at = kept.used_at.max(now);
        Some(kept.session.clone())
    }

    /// The officers of all sessions that are open, once for each.
    #[must_use]
    pub fn officers(&self, now: UnixMillis) -> Vec<Officer> {
        let mut known = self.lock();
        known.retain(|_, kept| keep(kept, now));
        let officers = known.values().map(|kept| kept.session.officer.clone());
        officers.collect()
    }

    /// Ends a session.
    pub fn close(&self, session: &Session) {
        if let Some(kept) = self.lock().remove(&session.hash) {
            kept.session.ended.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SecretHash, Kept>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a session lives on; one that does not is told so.
fn keep(kept: &Kept, now: UnixMillis) -> bool {
    let lives = now.since(kept.used_at) <= IDLE_LIFETIME && now.since(kept.opened_at) <= LIFETIME;
    if !lives {
        kept.session.ended.cancel();
    }
    lives
}

fn end_oldest(known: &mut BTreeMap<SecretHash, Kept>, which: impl Fn(&Kept) -> bool) {
    let oldest = known
        .iter()
        .filter(|(_, kept)| which(kept))
        .min_by_key(|(_, kept)| kept.used_at)
        .map(|(hash, _)| *hash);
    if let Some(kept) = oldest.and_then(|hash| known.remove(&hash)) {
        kept.session.ended.cancel();
    }
}

fn hash_of(secret: &[u8]) -> SecretHash {
    let mut hash = SecretHash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, secret).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Desk, Role};

    const START: UnixMillis = UnixMillis::new(1_800_000_000_000);

    fn officer(id: &str) -> Officer {
        Officer {
            id: OfficerId::new(id),
            name: id.to_owned(),
            role: Role::Officer,
            desk: Desk::National,
        }
    }

    fn secret(n: u16) -> [u8; SECRET_BYTES] {
        let mut secret = [0; SECRET_BYTES];
        secret[..2].copy_from_slice(&n.to_be_bytes());
        secret
    }

    #[test]
    fn a_session_is_found_by_its_cookie_and_by_nothing_else() {
        let sessions = Sessions::default();
        let cookie = sessions.open(officer("a"), secret(1), START);
        assert_eq!(sessions.find(&cookie, START).unwrap().officer, officer("a"));
        let other = URL_SAFE_NO_PAD.encode(secret(2));
        for wrong in ["", "x", "=", &other, &cookie[1..]] {
            assert!(sessions.find(wrong, START).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_session_ends_when_idle_when_old_and_when_closed() {
        let sessions = Sessions::default();
        let idle = sessions.open(officer("a"), secret(1), START);
        let held = sessions.find(&idle, START.plus(IDLE_LIFETIME)).unwrap();
        let later = START.plus(IDLE_LIFETIME).plus(IDLE_LIFETIME);
        assert!(sessions.is_open(&held, later), "it was used meanwhile");
        let too_late = later.plus(IDLE_LIFETIME).plus(Millis(1));
        assert!(sessions.find(&idle, too_late).is_none());
        assert!(held.ended.is_cancelled());

        let old = sessions.open(officer("a"), secret(2), START);
        let mut now = START;
        while now.since(START) < LIFETIME {
            assert!(sessions.find(&old, now).is_some(), "{now:?}");
            now = now.plus(IDLE_LIFETIME);
        }
        assert!(
            sessions.find(&old, now.plus(Millis(1))).is_none(),
            "used all the time, and old"
        );

        let closed = sessions.open(officer("a"), secret(3), START);
        let session = sessions.find(&closed, START).unwrap();
        sessions.close(&session);
        assert!(session.ended.is_cancelled());
        assert!(sessions.find(&closed, START).is_none());
    }

    #[test]
    fn sessions_are_bounded_and_the_least_used_one_ends() {
        let sessions = Sessions::default();
        let first = sessions.open(officer("a"), secret(0), START);
        let second = sessions.open(officer("a"), secret(1), START.plus(Millis(1)));
        assert!(sessions.find(&first, START.plus(Millis(2))).is_some());
        for n in 2..=u16::try_from(MAX_SESSIONS_OF_ONE).unwrap() {
            let _ = sessions.open(officer("a"), secret(n), START.plus(Millis(3)));
        }
        assert!(sessions.find(&first, START.plus(Millis(4))).is_some());
        assert!(sessions.find(&second, START.plus(Millis(4))).is_none());
        {
            let mut known = sessions.lock();
            let kept = known.pop_first().unwrap().1;
            for n in 100..100 + u16::try_from(MAX_SESSIONS).unwrap() {
                let mut session = kept.session.clone();
                session.officer = officer(&n.to_string());
                let kept = Kept {
                    session,
                    opened_at: START,
                    used_at: START,
                };
                known.insert(hash_of(&secret(n)), kept);
            }
            while known.len() > MAX_SESSIONS {
                known.pop_first();
            }
        }
        let _ = sessions.open(officer("new"), secret(50_000), START.plus(Millis(5)));
        assert_eq!(sessions.lock().len(), MAX_SESSIONS);
    }
}
