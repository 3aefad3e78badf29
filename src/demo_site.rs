//! A whole site made up on the spot: keys, certificates, officers, enrolled phones. For the demo and
//! for tests; a real site makes its own with `ansim token` and `ansim users`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dispatcher::io::MapSource;
use dispatcher::io::http::HttpConfig;
use dispatcher::io::users::{UserRecord, Users, UsersFile, hash_password};
use dispatcher::jurisdiction::JurisdictionMap;
use dispatcher::proposer::Policy;
use journal::Options;
use protocol::token::{Claims, Issuer, PersonRef};
use protocol::{Enrolment, Millis, RelayAddress, SitePrivateKey, UnixMillis};
use rand::RngExt as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use relay::{Certificate, RelayConfig};

use crate::service::{DispatcherParts, RelayParts, ServiceParts, build_name};
use crate::site_keys::SiteKeys;

/// The name in the relay's certificate. Nobody can own it (RFC 6761, section 6.4).
const RELAY_NAME: &str = "relay.ansim.invalid";

/// How long a demo's tokens hold.
const TOKEN_LIFETIME: Millis = Millis::from_secs(24 * 3600);

/// A site's secrets, in memory.
pub struct DemoSite {
    issuer_seed: [u8; 32],
    issuer: Issuer,
    site_key_bytes: [u8; 32],
    site_key: SitePrivateKey,
    authority_pem: String,
    relay_chain_pem: String,
    relay_key_pem: String,
}

/// An officer who can sign in.
#[derive(Clone, Debug)]
pub struct DemoOfficer {
    /// The name under which they sign in.
    pub user: String,
    /// What others read.
    pub name: String,
    /// In clear: it is a demo's.
    pub password: String,
    /// `officer`, `supervisor` or `viewer`.
    pub role: String,
    /// `station:…`, `province:…` or `national`.
    pub desk: String,
}

impl DemoOfficer {
    /// An officer with a password that nobody knows yet.
    #[must_use]
    pub fn new(user: &str, name: &str, desk: &str) -> Self {
        Self {
            user: user.to_owned(),
            name: name.to_owned(),
            password: protocol::hex::encode(&rand::rng().random::<[u8; 8]>()),
            role: "officer".to_owned(),
            desk: desk.to_owned(),
        }
    }
}

impl DemoSite {
    /// Makes keys and certificates.
    ///
    /// # Errors
    /// When a certificate cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        let mut rng = rand::rng();
        let (issuer_seed, site_key_bytes): ([u8; 32], [u8; 32]) = (rng.random(), rng.random());
        let issuer = Issuer::from_seed(&issuer_seed)?;
        let site_key = SitePrivateKey::from_bytes(site_key_bytes)?;

        let mut authority = CertificateParams::new(Vec::<String>::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        authority
            .distinguished_name
            .push(DnType::CommonName, "Ansim demo authority");
        let authority_key = KeyPair::generate()?;
        let authority_pem = authority.self_signed(&authority_key)?.pem();
        let authority = rcgen::Issuer::new(authority, authority_key);

        let relay = CertificateParams::new(vec![RELAY_NAME.to_owned()])?;
        let relay_key = KeyPair::generate()?;
        let relay_chain_pem = relay.signed_by(&relay_key, &authority)?.pem();
        let relay_key_pem = relay_key.serialize_pem();
        Ok(Self {
            issuer_seed,
            issuer,
            site_key_bytes,
            site_key,
            authority_pem,
            relay_chain_pem,
            relay_key_pem,
        })
    }

    /// What a service of this site is made of: journal and keys below `folder`, both doors on
    /// loopback at ports that are free.
    ///
    /// # Errors
    /// When an officer's desk or role is none.
    pub fn parts(
        &self,
        folder: &Path,
        map: JurisdictionMap,
        officers: &[DemoOfficer],
    ) -> anyhow::Result<ServiceParts> {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let certificate = Certificate::from_pem(
            self.relay_chain_pem.as_bytes(),
            self.relay_key_pem.as_bytes(),
        )?;
        Ok(ServiceParts {
            journal_path: folder.join("data").join("journal.redb"),
            journal: Options::default(),
            day_keys: folder.join("day-keys"),
            log: None,
            relay: Some(RelayParts {
                config: RelayConfig::new(
                    loopback,
                    folder.join("data").join("relay-keys"),
                    certificate,
                ),
                authority: self.issuer.authority(),
                operations: None,
            }),
            dispatcher: Some(DispatcherParts {
                site_key: self.site_key.clone(),
                map_source: MapSource::fixed(map.clone()),
                map,
                fold: None,
                policy: Policy::default(),
                console: HttpConfig {
                    listen: loopback,
                    tls: None,
                    build: build_name(),
                },
                users: users(officers)?,
            }),
        })
    }

    /// Writes the site to a folder as an operator would have it, and returns the path of its
    /// configuration. Both doors are on loopback at ports that are free.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(
        &self,
        folder: &Path,
        map_geojson: &str,
        officers: &[DemoOfficer],
    ) -> anyhow::Result<PathBuf> {
        SiteKeys::write(folder.join("keys"), &self.issuer_seed, &self.site_key_bytes)?;
        let config = "[site]\ndata = \"data\"\nday_keys = \"day-keys\"\nkeys = \"keys\"\n\
                      map = \"map.geojson\"\nallow_unofficial_map = true\n\
                      [relay]\nlisten = \"127.0.0.1:0\"\ncertificate = \"relay-cert.pem\"\n\
                      private_key = \"relay-key.pem\"\n\
                      [console]\nlisten = \"127.0.0.1:0\"\nusers = \"users.toml\"\n";
        let files = [
            ("relay-cert.pem", self.relay_chain_pem.as_str()),
            ("relay-key.pem", self.relay_key_pem.as_str()),
            ("authority.pem", self.authority_pem.as_str()),
            ("map.geojson", map_geojson),
            ("users.toml", &users_file(officers)?),
            ("ansim.toml", config),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::write(&path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(folder.join("ansim.toml"))
    }

    /// The enrolment file of a phone, with a token.
    ///
    /// # Errors
    /// When the token cannot be written.
    pub fn enrolment(
        &self,
        relay: SocketAddr,
        device: [u8; 16],
        now: UnixMillis,
    ) -> anyhow::Result<Enrolment> {
        let claims = Claims {
            device,
            person: PersonRef(device),
            issued_at: now,
            expires_at: now.plus(TOKEN_LIFETIME),
            drill: false,
        };
        Ok(Enrolment {
            token: self.issuer.issue(&claims)?,
            ..self.enrolment_without_token(relay)?
        })
    }

    /// The enrolment file of a phone that has no token: its alerts are unverified.
    ///
    /// # Errors
    /// When the site's key is none.
    pub fn enrolment_without_token(&self, relay: SocketAddr) -> anyhow::Result<Enrolment> {
        self.enrolment_at(&[relay])
    }

    /// The enrolment file of a phone that has no token and may go to any of these relays.
    ///
    /// # Errors
    /// When the site's key is none.
    pub fn enrolment_at(&self, relays: &[SocketAddr]) -> anyhow::Result<Enrolment> {
        let address = |relay: &SocketAddr| RelayAddress {
            address: relay.to_string(),
            server_name: RELAY_NAME.to_owned(),
        };
        Ok(Enrolment {
            relays: relays.iter().map(address).collect(),
            authority_pem: self.authority_pem.clone(),
            token: Vec::new(),
            site_key: self.site_key.public_key()?,
        })
    }

    /// The certificate that the relay's comes from, in PEM.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// What signs tokens.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }
}

fn users(officers: &[DemoOfficer]) -> anyhow::Result<Users> {
    Ok(Users::parse(&users_file(officers)?)?)
}

fn users_file(officers: &[DemoOfficer]) -> anyhow::Result<String> {
    let mut rng = rand::rng();
    let records = officers.iter().map(|officer| UserRecord {
        user: officer.user.clone(),
        name: officer.name.clone(),
        password_hash: hash_password(&officer.password, &mut rng),
        role: officer.role.clone(),
        desk: officer.desk.clone(),
    });
    let file = UsersFile {
        user: records.collect(),
    };
    toml::to_string(&file).context("the officers cannot be written")
}
