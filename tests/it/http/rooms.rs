//! A site with four jurisdictions, its dispatcher, and officers at every kind of desk.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use dispatcher::io::http::{HttpConfig, Server, ServerHandle};
use dispatcher::io::metrics::Registry;
use dispatcher::io::users::{UserRecord, Users, UsersFile};
use dispatcher::io::{Engine, EngineConfig, MapSource};
use dispatcher::jurisdiction::{IdProperties, JurisdictionIndex, JurisdictionMap, load};
use dispatcher::proposer::Policy;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::console::Console;
use crate::support::log::TestLog;

/// Everybody's password.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// Argon2id of [`PASSWORD`] with 8 KiB and one pass, so that tests do not wait.
pub(super) const CHEAP_HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$u0PXIzRTZSg6KZsu01kBKw$\
    bbgzkuqwdqO0I23872BU4enrgVScC/8YKNFQ7jrACsA";

/// Inside of a, b, c and d; the canary of traces is in a.
pub(super) const IN_A: (f64, f64) = (37.123_456, 127.654_321);
pub(super) const IN_B: (f64, f64) = (37.5, 128.5);
pub(super) const IN_C: (f64, f64) = (37.5, 129.5);

/// User, role and desk.
pub(super) const OFFICERS: [(&str, &str, &str); 10] = [
    ("at-a", "officer", "station:a"),
    ("also-at-a", "supervisor", "station:a"),
    ("viewer-at-a", "viewer", "station:a"),
    ("at-b", "officer", "station:b"),
    ("at-c", "officer", "station:c"),
    ("at-north", "officer", "province:North"),
    ("at-south", "officer", "province:South"),
    ("at-national", "officer", "national"),
    ("viewer-at-national", "viewer", "national"),
    ("chief", "supervisor", "national"),
];

/// What a map's file holds now.
pub(super) type NextMap = Arc<Mutex<Result<JurisdictionMap, String>>>;

/// A site while its door is open.
pub(super) struct Site {
    pub(super) log: TestLog,
    /// What a reload reads, or the words in which it fails.
    pub(super) next_map: NextMap,
    pub(super) address: SocketAddr,
    pub(super) handle: ServerHandle,
    pub(super) stop: CancellationToken,
}

impl Site {
    pub(super) async fn open() -> Self {
        let log = TestLog::new();
        let stop = CancellationToken::new();
        let mut registry = Registry::default();
        let next_map = NextMap::new(Mutex::new(Ok(map())));
        let file = Arc::clone(&next_map);
        let source = MapSource::new(move || file.lock().unwrap().clone());
        let engine = engine_with(source, &log, &mut registry, stop.child_token()).await;
        let registry = Arc::new(Mutex::new(registry));
        let config = config("127.0.0.1:0");
        let handle = Server::start(config, engine, users(), registry, stop.child_token())
            .await
            .unwrap();
        Self {
            log,
            next_map,
            address: handle.local_addr(),
            handle,
            stop,
        }
    }

    /// A console at which nobody is signed in.
    pub(super) fn console(&self) -> Console {
        Console::new(&format!("http://{}", self.address))
    }

    /// A console at which this user is signed in.
    pub(super) async fn signed_in(&self, user: &str) -> Console {
        let console = self.console();
        let (status, _) = console.sign_in(user, PASSWORD).await;
        assert_eq!(status, 200, "{user}");
        console
    }
}

pub(super) fn config(listen: &str) -> HttpConfig {
    HttpConfig {
        listen: listen.parse().unwrap(),
        tls: None,
        build: "test-build".to_owned(),
    }
}

pub(super) async fn engine(
    log: &TestLog,
    registry: &mut Registry,
    stop: CancellationToken,
) -> Engine {
    engine_with(MapSource::fixed(map()), log, registry, stop).await
}

async fn engine_with(
    map_source: MapSource,
    log: &TestLog,
    registry: &mut Registry,
    stop: CancellationToken,
) -> Engine {
    let config = EngineConfig {
        journal: log.journal.clone(),
        fold: None,
        day_keys: Arc::clone(&log.day_keys),
        site_key: log.site_key(),
        index: Arc::new(JurisdictionIndex::new(map())),
        map_source,
        policy: Policy::default(),
        clock: log.clock(),
    };
    let (engine, _task) = Engine::start(config, registry, stop).await.unwrap();
    let mut states = engine.states();
    states.wait_for(|state| state.ready).await.unwrap();
    engine
}

pub(super) fn users() -> Users {
    let user = OFFICERS
        .iter()
        .map(|(user, role, desk)| UserRecord {
            user: (*user).to_owned(),
            name: format!("Officer {user}"),
            password_hash: CHEAP_HASH.to_owned(),
            role: (*role).to_owned(),
            desk: (*desk).to_owned(),
        })
        .collect();
    Users::parse(&toml::to_string(&UsersFile { user }).unwrap()).unwrap()
}

/// Squares of one degree in a row; a and b are of one agency, c and d of the other.
pub(super) fn map() -> JurisdictionMap {
    map_of(
        "squares",
        &[
            ("a", "North", 127.0, 128.0),
            ("b", "North", 128.0, 129.0),
            ("c", "South", 129.0, 130.0),
            ("d", "South", 130.0, 131.0),
        ],
    )
}

/// Areas by id, agency, west and east, from 37 to 38 degrees north.
pub(super) fn map_of(version: &str, areas: &[(&str, &str, f64, f64)]) -> JurisdictionMap {
    let feature = |&(id, agency, west, east): &(&str, &str, f64, f64)| {
        let (south, north) = (37.0, 38.0);
        json!({
            "type": "Feature",
            "properties": { "id": id, "name": format!("{id} station"), "agency": agency },
            "geometry": { "type": "Polygon", "coordinates": [[
                [west, south], [east, south], [east, north], [west, north], [west, south],
            ]] },
        })
    };
    let map = json!({
        "type": "FeatureCollection",
        "version": version,
        "authority": "invented",
        "features": areas.iter().map(feature).collect::<Vec<_>>(),
    });
    load(&map.to_string(), "squares", &IdProperties::default())
        .unwrap()
        .map
}
