//! Asks a server how it is set up.

use super::connect::Link;
use super::failure::ConnectError;
use super::reply;
use crate::server_check::{self, Finding};

/// What is not as it should be. Nothing that is found, when it is a refusal, is to be passed over.
///
/// # Errors
/// When the server may not hold the log, or does not answer.
pub(super) async fn fitness(link: &mut Link, replicas: u8) -> Result<Vec<Finding>, ConnectError> {
    let mut findings = Vec::from_iter(server_check::check_version(&link.info));
    // An older server does not answer for several settings at once.
    if findings.is_empty() {
        findings = settings(link, replicas).await?;
    }
    if findings.iter().any(|finding| finding.is_refusal) {
        let at = link.at.to_string();
        return Err(ConnectError::Unfit { at, findings });
    }
    Ok(findings)
}

async fn settings(link: &mut Link, replicas: u8) -> Result<Vec<Finding>, ConnectError> {
    let mut question = redis::cmd("CONFIG");
    question.arg("GET").arg(&server_check::SETTINGS);
    let is_of_cluster = link.info.is_of_cluster();
    if is_of_cluster {
        question.arg(server_check::FULL_COVERAGE);
    }
    let answer = link.ask_one(question).await;
    let answer = answer.map_err(|failure| ConnectError::Unreachable {
        at: link.at.to_string(),
        why: failure.why().to_owned(),
    })?;
    Ok(match reply::pairs(&answer) {
        Ok(settings) => {
            let settings = settings.into_iter().collect();
            let mut findings = server_check::check_settings(&settings, replicas);
            if is_of_cluster {
                findings.extend(server_check::check_coverage(&settings));
            }
            findings
        }
        Err(why) => vec![server_check::settings_unknown(&why)],
    })
}
