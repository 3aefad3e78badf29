//! `ansim users add`: one more officer in the users' file.

use std::fs::OpenOptions;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use dispatcher::io::users::{UserRecord, Users, UsersFile, hash_password};

use super::WrongUsage;

/// Shorter passwords are guessed (NIST SP 800-63B, section 5.1.1.1 asks for eight characters).
const MIN_PASSWORD_CHARS: usize = 8;

/// The users' file of the console.
#[derive(Debug, Args)]
pub(crate) struct UsersCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Adds an officer; the password is the first line of standard input.
    Add(Add),
}

#[derive(Debug, Args)]
struct Add {
    /// The users' file; made when it is not there.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The name under which they sign in.
    #[arg(long)]
    user: String,
    /// What others read.
    #[arg(long)]
    name: String,
    /// officer, supervisor or viewer (who only looks).
    #[arg(long, default_value = "officer")]
    role: String,
    /// `station:ID`, `province:AGENCY` or `national`.
    #[arg(long)]
    desk: String,
}

impl UsersCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let What::Add(add) = self.what;
        add.run()
    }
}

impl Add {
    fn run(self) -> anyhow::Result<()> {
        let mut password = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut password)
            .context("cannot read the password")?;
        let password = password.trim_end_matches(['\r', '\n']);
        if password.chars().count() < MIN_PASSWORD_CHARS {
            let what = format!("a password has at least {MIN_PASSWORD_CHARS} characters");
            return Err(WrongUsage(what).into());
        }
        let record = UserRecord {
            user: self.user,
            name: self.name,
            password_hash: hash_password(password, &mut rand::rng()),
            role: self.role,
            desk: self.desk,
        };
        let before = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", self.file.display()));
            }
        };
        let added = toml::to_string(&UsersFile { user: vec![record] })?;
        // The whole file as it would be: a name that is there already is refused before anything
        // is written.
        Users::parse(&format!("{before}\n{added}"))
            .map_err(|error| WrongUsage(format!("{}: {error}", self.file.display())))?;
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(&self.file)
            .and_then(|mut file| write!(file, "\n{added}"))
            .with_context(|| format!("cannot write {}", self.file.display()))
    }
}
