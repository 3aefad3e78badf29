//! `ansim token`: the keys of a site, and the file that enrols a phone.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ansim::site_keys::SiteKeys;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use protocol::token::{Checked, Claims, PersonRef};
use protocol::{Enrolment, Millis, RelayAddress, UnixMillis, Verification, hex};
use rand::RngExt as _;
use serde_json::json;

use super::WrongUsage;

const SECONDS_PER_DAY: u64 = 24 * 3600;

/// Longest life of a token, in days: ten years. Beyond, somebody has mistyped.
const MAX_DAYS: u64 = 3_653;

/// Keys and enrolments of phones.
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Makes the keys of a site; overwrites nothing.
    Keygen(Keygen),
    /// Enrols one phone: writes the file that it needs to raise an alert.
    Issue(Issue),
    /// Says what a token claims and whether it holds; the token itself is not printed.
    Inspect(Inspect),
}

#[derive(Debug, Args)]
struct Keygen {
    /// The folder: issuer.seed signs tokens, authority.pub checks them, site.key opens cancel codes
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct Issue {
    /// The folder that `keygen` has filled
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Where a relay listens; once for each relay, in the order in which to try them
    #[arg(long, value_name = "HOST:PORT", required = true)]
    relay: Vec<String>,
    /// The name in the relay's certificate; once for all relays, or once for each
    #[arg(long, value_name = "NAME", required = true)]
    server_name: Vec<String>,
    /// The certificate that the relays' certificates come from
    #[arg(long, value_name = "PEM")]
    authority_pem: PathBuf,
    /// How long the token holds
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=MAX_DAYS))]
    days: u64,
    /// Who the phone belongs to: 32 hexadecimal digits that mean nothing by themselves; made up
    /// when it is not given
    #[arg(long, value_name = "HEX")]
    person: Option<String>,
    /// The token is for practice only
    #[arg(long)]
    drill: bool,
    /// The enrolment file; overwrites nothing
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct Inspect {
    /// An enrolment file, or `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder with authority.pub of the site that should have signed
    #[arg(long, value_name = "DIR", default_value = "keys")]
    keys: PathBuf,
}

impl Token {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.what {
            What::Keygen(keygen) => SiteKeys::generate(keygen.out).map(drop),
            What::Issue(issue) => issue.run(),
            What::Inspect(inspect) => inspect.run(),
        }
    }
}

impl Issue {
    fn run(self) -> anyhow::Result<()> {
        let keys = SiteKeys::in_folder(&self.keys);
        let (issued_at, mut rng) = (now(), rand::rng());
        let claims = Claims {
            device: rng.random(),
            person: self.person(&mut rng)?,
            issued_at,
            expires_at: issued_at.plus(Millis::from_secs(self.days * SECONDS_PER_DAY)),
            drill: self.drill,
        };
        let authority_pem = std::fs::read_to_string(&self.authority_pem)
            .with_context(|| format!("cannot read {}", self.authority_pem.display()))?;
        let enrolment = Enrolment {
            relays: self.relays()?,
            authority_pem,
            token: keys.issuer()?.issue(&claims)?,
            site_key: keys.site_public_key()?,
        };
        client::io::check_authority(&enrolment.authority_pem)
            .map_err(|error| WrongUsage(format!("{}: {error}", self.authority_pem.display())))?;
        write_new(&self.out, &serde_json::to_string_pretty(&enrolment)?)
    }

    fn person(&self, rng: &mut impl rand::Rng) -> anyhow::Result<PersonRef> {
        let Some(text) = &self.person else {
            return Ok(PersonRef(rng.random()));
        };
        hex::decode(text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(PersonRef)
            .ok_or_else(|| WrongUsage("--person takes 32 hexadecimal digits".to_owned()).into())
    }

    fn relays(&self) -> anyhow::Result<Vec<RelayAddress>> {
        let (relays, names) = (&self.relay, &self.server_name);
        if names.len() != 1 && names.len() != relays.len() {
            let what = "give --server-name once for all relays, or once for each --relay";
            return Err(WrongUsage(what.to_owned()).into());
        }
        let port = |address: &str| {
            let (host, port) = address.rsplit_once(':')?;
            (!host.is_empty()).then_some(port)?.parse::<u16>().ok()
        };
        if let Some(wrong) = relays.iter().find(|address| port(address).is_none()) {
            let what = format!("--relay {wrong}: write host and port, as relay-1.example:4433");
            return Err(WrongUsage(what).into());
        }
        Ok(relays
            .iter()
            .zip(names.iter().cycle())
            .map(|(address, server_name)| RelayAddress {
                address: address.clone(),
                server_name: server_name.clone(),
            })
            .collect())
    }
}

impl Inspect {
    fn run(self) -> anyhow::Result<()> {
        let enrolment = read_enrolment(&self.file)?;
        let checked = SiteKeys::in_folder(&self.keys)
            .authority()
            .map(|authority| authority.check(&enrolment.token, now()));
        let relays: Vec<_> = enrolment
            .relays
            .iter()
            .map(|relay| json!({ "address": relay.address, "server_name": relay.server_name }))
            .collect();
        let said = json!({
            "relays": relays,
            "token_bytes": enrolment.token.len(),
            "verification": match &checked {
                Ok(checked) => word(checked.verification).to_owned(),
                Err(error) => format!("not checked: {error:#}"),
            },
            "claims": checked.ok().and_then(|checked: Checked| checked.claims).map(say_claims),
        });
        println!("{said:#}");
        Ok(())
    }
}

fn say_claims(claims: Claims) -> serde_json::Value {
    json!({
        "device": hex::encode(&claims.device),
        "person": hex::encode(&claims.person.0),
        "issued_at": date(claims.issued_at),
        "expires_at": date(claims.expires_at),
        "drill": claims.drill,
    })
}

fn word(verification: Verification) -> &'static str {
    match verification {
        Verification::Verified => "verified",
        Verification::NoToken => "no_token",
        Verification::Expired => "expired",
        Verification::Foreign => "foreign",
        Verification::Malformed => "malformed",
    }
}

fn date(time: UnixMillis) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(time.as_i64()).ok()?;
    Some(time.to_string())
}

fn now() -> UnixMillis {
    UnixMillis::new(jiff::Timestamp::now().as_millisecond())
}

/// Reads an enrolment file, or standard input for `-`. Its text is in no message: it holds a token.
pub(crate) fn read_enrolment(path: &Path) -> anyhow::Result<Enrolment> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let wrong = |what: String| WrongUsage(format!("{}: {what}", path.display()));
    let text = text.map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let at = format!("no enrolment file: wrong at line {line}, column {column}");
        wrong(format!("{at}; make one with `ansim token issue`")).into()
    })
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| {
            writeln!(file, "{text}")?;
            file.sync_all()
        })
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(relay: &[&str], names: &[&str]) -> Issue {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Issue {
            keys: PathBuf::new(),
            relay: owned(relay),
            server_name: owned(names),
            authority_pem: PathBuf::new(),
            days: 1,
            person: None,
            drill: false,
            out: PathBuf::new(),
        }
    }

    #[test]
    fn one_name_serves_all_relays_or_each_has_its_own() {
        let two = ["a.example:1", "[::1]:2"];
        let shared = issue(&two, &["site"]).relays().unwrap();
        assert!(shared.iter().all(|relay| relay.server_name == "site"));
        let own = issue(&two, &["a", "b"]).relays().unwrap();
        assert_eq!(own[1].server_name, "b");
        assert!(issue(&["a:1"], &["a", "b"]).relays().is_err());
        assert!(issue(&["a.example"], &["a"]).relays().is_err());
        assert!(issue(&[":4433"], &["a"]).relays().is_err());
    }

    #[test]
    fn an_enrolment_file_is_never_overwritten_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("phone.json");
        write_new(&file, "{}").unwrap();
        assert!(write_new(&file, "{}").is_err());
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_broken_enrolment_is_refused_without_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("phone.json");
        std::fs::write(&file, "{\"token\": \"c0ffee\", \"what\": 1}").unwrap();
        let error = read_enrolment(&file).unwrap_err().to_string();
        assert!(
            error.contains("line 1") && !error.contains("c0ffee"),
            "{error}"
        );
    }
}
