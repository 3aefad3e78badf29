//! The officers' page in a headless browser: against a whole service with a real phone, and against
//! a stand-in that plays what may go wrong around an officer.
//!
//! What the browser must see stands in `console/tests/page.mjs`; here are the service and the phone.

use std::io::{BufRead as _, BufReader, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::Service;
use client::Event;
use dispatcher::io::assets::page_hash;
use protocol::{AlertId, Progress};
use tokio::sync::mpsc::unbounded_channel;

use crate::support::in_checkout;
use crate::support::require::{Need, require};
use crate::support::site::{Site, TestPhone, at, two_stations};

const SCRIPT: &str = "console/tests/page.mjs";

/// How the script asks for what only a phone can do.
const ASK: &str = "ask: ";

#[tokio::test(flavor = "multi_thread")]
async fn a_headless_browser_sees_an_alert_and_acknowledges_it_by_key_and_another_sees_who_did() {
    let Some(browser) = browser() else { return };
    assert!(
        page_hash().is_some(),
        "this was built without the officers' page: `npm run build` in console/, then cargo again"
    );
    let (site, environment) = site_with_a_viewer().await;
    let mut phone = site.phone(1);
    let (ask, mut asked) = unbounded_channel();
    let page = tokio::task::spawn_blocking(move || {
        run(&browser, &environment, |wish| drop(ask.send(wish)))
    });
    let mut alert = None;
    while let Some(wish) = asked.recv().await {
        match (wish.as_str(), alert) {
            ("raise", None) => alert = Some(phone.handle.raise(Some(at(38.01))).await.unwrap()),
            ("answer", Some(alert)) => answer(&mut phone, alert).await,
            _ => panic!("the page asks for `{wish}`, which no phone does now"),
        }
    }
    page.await.unwrap().unwrap_or_else(|said| panic!("{said}"));
    assert!(alert.is_some(), "the page never asked for an alert");
    site.service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_stands_what_may_go_wrong_around_an_officer() {
    let Some(browser) = browser() else { return };
    let page = tokio::task::spawn_blocking(move || run(&browser, &[], |_| ()));
    page.await.unwrap().unwrap_or_else(|said| panic!("{said}"));
}

/// The phone has heard of the officer, reads the officer's words, and answers them.
async fn answer(phone: &mut TestPhone, alert: AlertId) {
    phone
        .event("that an officer has seen it", |event| {
            matches!(event, Event::Status(status) if status.progress == Progress::Seen)
                .then_some(())
        })
        .await;
    let words = phone
        .event("the officer's words", |event| match event {
            Event::Message(message) => Some(message.text.clone()),
            _ => None,
        })
        .await;
    assert_eq!(words, "가는 중입니다");
    phone.handle.text(alert, "문 뒤에 있어요").await.unwrap();
}

/// The browser, where there is one and the packages that drive it: the page's, the districts among
/// them.
fn browser() -> Option<PathBuf> {
    let browser = require(Need::Chromium)?;
    require(Need::Districts).map(|_| browser)
}

/// A service, and what the script must know to sign in at it: an officer of the station, one of the
/// provincial room above it, and a viewer.
async fn site_with_a_viewer() -> (Site, Vec<(&'static str, String)>) {
    let demo = DemoSite::new().unwrap();
    let wall = DemoOfficer {
        role: "viewer".to_owned(),
        ..DemoOfficer::new("wall", "상황판", "station:north")
    };
    let officers = vec![
        DemoOfficer::new("kim", "김하나", "station:north"),
        DemoOfficer::new("lee", "이두리", "province:north agency"),
        wall,
    ];
    let folder = tempfile::tempdir().unwrap();
    let parts = demo
        .parts(folder.path(), two_stations(), &officers)
        .unwrap();
    let service = Service::start(parts).await.unwrap();
    let mut environment = vec![
        ("ANSIM_URL", service.console_url().unwrap()),
        ("ANSIM_ASK", "1".to_owned()),
    ];
    let names = [
        ("ANSIM_USER_A", "ANSIM_PASSWORD_A"),
        ("ANSIM_USER_B", "ANSIM_PASSWORD_B"),
        ("ANSIM_USER_V", "ANSIM_PASSWORD_V"),
    ];
    for ((user, password), officer) in names.into_iter().zip(&officers) {
        environment.push((user, officer.user.clone()));
        environment.push((password, officer.password.clone()));
    }
    let site = Site {
        demo,
        service,
        officers,
        folder,
    };
    (site, environment)
}

/// Runs the script to its end, which its own patience brings, and passes on what it asks for.
///
/// # Errors
/// All that the script and the browser said, when the page is not right.
fn run(
    browser: &Path,
    environment: &[(&str, String)],
    mut ask: impl FnMut(String),
) -> Result<(), String> {
    let (said, say) = pipe().unwrap();
    let mut command = Command::new("node");
    command
        .arg(in_checkout(SCRIPT))
        .env("CHROMIUM", browser)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(say.try_clone().unwrap())
        .stderr(say);
    let mut child = command.spawn().unwrap();
    // It holds the writing end, and without it the lines would never end.
    drop(command);
    let mut all = String::new();
    for line in BufReader::new(said).lines() {
        let line = line.unwrap();
        if let Some(wish) = line.strip_prefix(ASK) {
            ask(wish.to_owned());
        }
        all.push_str(&line);
        all.push('\n');
    }
    let status = child.wait().unwrap();
    if status.success() && all.ends_with("\nall is well\n") {
        Ok(())
    } else {
        Err(format!("{SCRIPT} ended with {status}:\n{all}"))
    }
}
