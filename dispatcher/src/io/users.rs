//! The users' file: who may sign in, as what, at which desk.
//!
//! ```toml
//! [[user]]
//! user = "seoul-1"
//! name = "김하나"
//! password_hash = "$argon2id$v=19$m=19456,t=2,p=1$…"
//! role = "officer"        # or supervisor, viewer
//! desk = "station:서울특별시경찰청/서울종로경찰서"   # or province:AGENCY, national
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use protocol::OfficerId;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::desk::{Desk, Officer, Role};

/// Characters of a user or of a name: what fits on one line of a console.
const MAX_NAME_CHARS: usize = 100;

/// Bytes of a password that is looked at: a sentence. A longer one is wrong before it costs memory.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// Bytes of salt: what RFC 9106, section 3.1 recommends.
const SALT_BYTES: usize = 16;

/// One user as the file has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRecord {
    /// The name under which they sign in.
    pub user: String,
    /// What others read.
    pub name: String,
    /// Argon2id in PHC form; see [`hash_password`].
    pub password_hash: String,
    /// `officer`, `supervisor` or `viewer`.
    pub role: String,
    /// `station:ID`, `province:AGENCY` or `national`.
    pub desk: String,
}

/// The users' file as it is written.
#[derive(Clone, Debug, Serialize)]
pub struct UsersFile {
    /// In any order.
    pub user: Vec<UserRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadFile {
    #[serde(default)]
    user: Vec<Spanned<UserRecord>>,
}

/// Why a users' file is not taken. Never shows what stands in the file, for hashes do.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no TOML of this shape, or a user in it is none.
    #[error("users' file, line {line}: {why}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong, and what is right.
        why: String,
    },
}

#[derive(Clone, Debug)]
struct User {
    officer: Officer,
    hash: String,
}

/// Everybody who may sign in.
#[derive(Clone, Debug, Default)]
pub struct Users {
    by_name: BTreeMap<String, User>,
}

impl Users {
    /// Reads a users' file.
    ///
    /// # Errors
    /// See [`UsersError`].
    pub fn load(path: &Path) -> Result<Self, UsersError> {
        let text = std::fs::read_to_string(path).map_err(|source| UsersError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Reads the text of a users' file.
    ///
    /// # Errors
    /// With the line, for unknown keys, a role, desk or hash that is none, and a name given twice.
    pub fn parse(text: &str) -> Result<Self, UsersError> {
        let line_of = |at: usize| {
            text.as_bytes()[..at.min(text.len())]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
                + 1
        };
        let file: ReadFile = toml::from_str(text).map_err(|error| UsersError::Line {
            line: line_of(error.span().map_or(0, |span| span.start)),
            why: error.message().to_owned(),
        })?;
        let mut by_name = BTreeMap::new();
        for record in file.user {
            let line = line_of(record.span().start);
            let user =
                User::read(record.into_inner()).map_err(|why| UsersError::Line { line, why })?;
            let name = user.officer.id.to_string();
            if by_name.insert(name.clone(), user).is_some() {
                let why = format!("user `{name}` is there already; names are given once");
                return Err(UsersError::Line { line, why });
            }
        }
        Ok(Self { by_name })
    }

    /// The officer, when user and password belong together. Takes as long for a user who does not
    /// exist. Slow and hungry by design (RFC 9106): call it where blocking is allowed.
    #[must_use]
    pub fn verify(&self, user: &str, password: &str) -> Option<Officer> {
        if password.len() > MAX_PASSWORD_BYTES {
            return None;
        }
        let known = self.by_name.get(user);
        // Somebody else's hash costs the same and is not looked at.
        let hash = &known.or_else(|| self.by_name.values().next())?.hash;
        let hash = PasswordHash::new(hash).ok()?;
        let holds = Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok();
        known.filter(|_| holds).map(|known| known.officer.clone())
    }

    /// What others read for an officer; the id itself for one who is not in the file any more.
    #[must_use]
    pub fn name_of(&self, officer: &OfficerId) -> String {
        self.by_name
            .get(officer.as_str())
            .map_or_else(|| officer.to_string(), |user| user.officer.name.clone())
    }

    /// Everybody, by name.
    pub fn officers(&self) -> impl Iterator<Item = &Officer> {
        self.by_name.values().map(|user| &user.officer)
    }
}

impl User {
    fn read(record: UserRecord) -> Result<Self, String> {
        for (key, text) in [("user", &record.user), ("name", &record.name)] {
            if text.trim().is_empty() || text.chars().count() > MAX_NAME_CHARS {
                return Err(format!("`{key}` has 1 to {MAX_NAME_CHARS} characters"));
            }
        }
        let role = Role::parse(&record.role).ok_or_else(|| {
            format!(
                "`{}` is no role: write officer, supervisor or viewer",
                record.role
            )
        })?;
        let desk = Desk::parse(&record.desk).map_err(|error| error.to_string())?;
        let is_argon2id = PasswordHash::new(&record.password_hash)
            .is_ok_and(|hash| hash.algorithm.as_str() == "argon2id" && hash.hash.is_some());
        if !is_argon2id {
            return Err(format!(
                "`password_hash` of {} is no Argon2id hash in PHC form ($argon2id$v=19$…)",
                record.user
            ));
        }
        let id = OfficerId::new(record.user);
        Ok(Self {
            officer: Officer {
                id,
                name: record.name,
                role,
                desk,
            },
            hash: record.password_hash,
        })
    }
}

/// Hashes a password for the users' file: Argon2id with 19 MiB, two passes and one lane (the
/// crate's default, OWASP's first recommendation), a fresh salt, in PHC form.
///
/// # Panics
/// Never: salt and costs are constants within Argon2's bounds, and no password in memory reaches
/// the 4 GiB at which it refuses one.
#[must_use]
pub fn hash_password(password: &str, rng: &mut impl rand::CryptoRng) -> String {
    hash_with(&Argon2::default(), password, rng)
}

fn hash_with(argon2: &Argon2<'_>, password: &str, rng: &mut impl rand::CryptoRng) -> String {
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    argon2
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("salt and costs are constants within Argon2's bounds")
        .to_string()
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Params, Version};
    use rand::SeedableRng as _;

    use super::*;

    /// Costs little, so that tests are quick; a hash names its own costs.
    fn cheap_hash(password: &str) -> String {
        let cheap = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
        hash_with(
            &argon2,
            password,
            &mut rand::rngs::ChaCha8Rng::seed_from_u64(7),
        )
    }

    fn file(changes: &[(&str, &str)]) -> String {
        let hash = cheap_hash("right");
        let mut text = format!(
            "# people\n[[user]]\nuser = \"a\"\nname = \"A\"\npassword_hash = \"{hash}\"\n\
             role = \"officer\"\ndesk = \"national\"\n"
        );
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        text
    }

    #[test]
    fn who_has_the_password_is_the_officer() {
        let users = Users::parse(&file(&[])).unwrap();
        let officer = users.verify("a", "right").unwrap();
        assert_eq!((officer.name.as_str(), officer.role), ("A", Role::Officer));
        assert_eq!(officer.desk, Desk::National);
        assert_eq!(users.verify("a", "wrong"), None);
        assert_eq!(
            users.verify("b", "right"),
            None,
            "somebody else's hash opens nothing"
        );
        assert_eq!(users.verify("a", &"x".repeat(MAX_PASSWORD_BYTES + 1)), None);
        assert_eq!(Users::default().verify("a", "right"), None);
        assert_eq!(users.name_of(&OfficerId::new("a")), "A");
        assert_eq!(users.name_of(&OfficerId::new("gone")), "gone");
    }

    #[test]
    fn a_default_hash_is_argon2id_with_its_costs_and_a_salt_of_its_own() {
        let mut rng = rand::rngs::ChaCha8Rng::seed_from_u64(1);
        let (one, other) = (
            hash_password("same", &mut rng),
            hash_password("same", &mut rng),
        );
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, other);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_without_the_hash() {
        let table = [
            (("role = \"officer\"", "role = \"chief\""), 2, "no role"),
            (("desk = \"national\"", "desk = \"moon\""), 2, "no desk"),
            (("$argon2id$", "$argon2d$"), 2, "Argon2id"),
            (("name = \"A\"", "name = \" \""), 2, "1 to 100"),
            (
                ("name = \"A\"", "name = \"A\"\nshoes = 1"),
                5,
                "unknown field",
            ),
            (("role = \"officer\"\n", ""), 2, "missing field"),
            (("user = \"a\"", "user = 1"), 3, "invalid type"),
        ];
        for (change, line, words) in table {
            let text = file(&[change]);
            let error = Users::parse(&text).unwrap_err();
            let UsersError::Line { line: at, why } = &error else {
                panic!("{error}")
            };
            assert!(why.contains(words), "{why}");
            assert_eq!(*at, line, "{change:?}: {why}");
            assert!(!error.to_string().contains("m=8,"), "{error}");
        }
        let twice = format!("{}{}", file(&[]), file(&[]));
        let error = Users::parse(&twice).unwrap_err().to_string();
        assert!(
            error.contains("line 9") && error.contains("already"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_is_written_is_read() {
        let record = UserRecord {
            user: "seoul-1".to_owned(),
            name: "김하나".to_owned(),
            password_hash: cheap_hash("p"),
            role: "viewer".to_owned(),
            desk: "station:서울특별시경찰청/서울종로경찰서".to_owned(),
        };
        let text = toml::to_string(&UsersFile { user: vec![record] }).unwrap();
        let users = Users::parse(&text).unwrap();
        assert_eq!(users.officers().count(), 1);
        assert!(users.verify("seoul-1", "p").is_some());
    }
}
