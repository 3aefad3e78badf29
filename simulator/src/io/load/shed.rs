//! What the service says that it did not do, on purpose: counters of its metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::report::Shed;

/// Counters that mean that something was refused, thinned or put off; the page of the report knows
/// why.
const SHED: [&str; 11] = [
    "ansim_relay_datagrams_dropped",
    "ansim_relay_held",
    "ansim_relay_retries",
    "ansim_relay_refused_connections",
    "ansim_relay_attempts_left_out",
    "ansim_relay_packets_left_out",
    "ansim_relay_refusals",
    "ansim_relay_closes",
    "ansim_relay_receive_buffer_errors",
    "ansim_relay_not_durable",
    "ansim_dispatcher_appends_failed",
];

/// A service that does not answer by then has no time for it.
const ANSWER_WITHIN: Duration = Duration::from_millis(900);

/// The counters of a service since a load began.
pub(super) struct ShedCounters {
    url: String,
    http: Option<reqwest::Client>,
    newest: Option<BTreeMap<&'static str, u64>>,
    sums: BTreeMap<&'static str, u64>,
}

impl ShedCounters {
    /// Of the service with this console.
    pub(super) fn of(console: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy();
        Self {
            url: format!("{console}/metrics"),
            http: http.timeout(ANSWER_WITHIN).build().ok(),
            newest: None,
            sums: BTreeMap::new(),
        }
    }

    /// Reads the counters, and adds up what is new. A service that was started again counts from zero.
    pub(super) async fn look(&mut self) {
        let Some(text) = self.text().await else {
            return;
        };
        let counters = counters(&text);
        if let Some(before) = &self.newest {
            for (name, count) in &counters {
                let before = before.get(name).copied().unwrap_or(0);
                let new = count.checked_sub(before).unwrap_or(*count);
                *self.sums.entry(name).or_default() += new;
            }
        }
        self.newest = Some(counters);
    }

    /// What was shed since the first look.
    pub(super) async fn read(&mut self) -> Vec<Shed> {
        self.look().await;
        let sums = self.sums.iter().filter(|(_, count)| **count > 0);
        let shed = |(name, count): (&&str, &u64)| Shed {
            what: (*name).to_owned(),
            count: *count,
        };
        sums.map(shed).collect()
    }

    async fn text(&self) -> Option<String> {
        let answer = self.http.as_ref()?.get(&self.url).send().await.ok()?;
        answer.error_for_status().ok()?.text().await.ok()
    }
}

/// Values of the counters, over all labels (OpenMetrics, section "Counter": samples end in `_total`).
fn counters(text: &str) -> BTreeMap<&'static str, u64> {
    let mut sums = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((sample, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let name = sample.split('{').next().unwrap_or(sample);
        let name = name.strip_suffix("_total").unwrap_or(name);
        let known = SHED.iter().find(|known| **known == name);
        if let (Some(known), Ok(value)) = (known, value.parse::<u64>()) {
            *sums.entry(*known).or_default() += value;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_added_up_over_their_labels_and_others_passed_over() {
        let text = "# TYPE ansim_relay_refusals counter\n\
                    ansim_relay_refusals_total{rule=\"frame\"} 3\n\
                    ansim_relay_refusals_total{rule=\"token\"} 4\n\
                    ansim_relay_receipts_total 99\n\
                    ansim_relay_retries_total 0\n# EOF\n";
        let found = counters(text);
        assert_eq!(found["ansim_relay_refusals"], 7);
        assert_eq!(found["ansim_relay_retries"], 0);
        assert_eq!(found.len(), 2);
    }
}
