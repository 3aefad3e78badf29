//! A service on loopback with the map of Korea, and phones all over the country.

use ansim::demo::{find_districts, map_of_korea};
use ansim::demo_site::DemoOfficer;
use ansim::service::Service;
use journal::{LogName, Offset, Tailed};

use crate::console::Console;
use crate::disk::BareFile;
use crate::one_by_one::receipt;
use crate::people::{Caller, People};

pub(crate) struct Site {
    service: Service,
    officer: DemoOfficer,
    people: People,
    folder: tempfile::TempDir,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let people = People::new();
        let officer = DemoOfficer::new("kim", "김하나", "national");
        let folder = tempfile::tempdir().unwrap();
        let (map, _) = map_of_korea(find_districts().as_deref()).unwrap();
        let parts = people
            .demo
            .parts(folder.path(), map, std::slice::from_ref(&officer))
            .unwrap();
        let service = Service::start(parts).await.unwrap();
        Self {
            service,
            officer,
            people,
            folder,
        }
    }

    /// Signs in at the national desk, which sees everything.
    pub(crate) async fn console(&self) -> Console {
        Console::open(&self.service.console_url().unwrap(), &self.officer).await
    }

    /// An enrolled phone that has never met the relay, at a place where somebody lives.
    pub(crate) fn phone(&mut self) -> Caller {
        self.people.phone(self.service.relay_address().unwrap())
    }

    /// Takes one alert through, so that the day's key is there and all code is in memory, and opens
    /// a bare file for entries of its size.
    pub(crate) async fn warm_up(&mut self) -> (BareFile, usize) {
        let mut log = self
            .service
            .journal()
            .tail(LogName::Alerts, self.service.journal().end(LogName::Alerts));
        let mut phone = self.phone();
        phone.raise().await;
        receipt(&mut phone).await;
        let Tailed::Entries { entries, .. } = log.next().await.unwrap() else {
            panic!("the log holds the raise");
        };
        phone.handle.close().await;
        let bytes = entries[0].len();
        (BareFile::create(self.folder.path(), bytes), bytes)
    }

    /// Entries in the alert log.
    pub(crate) fn log_end(&self) -> Offset {
        self.service.journal().end(LogName::Alerts)
    }

    pub(crate) async fn shutdown(self) {
        self.service.shutdown().await;
    }
}
