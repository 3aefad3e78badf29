//! All words of page and comparison, in both languages. A table has every word or does not compile.

use dispatcher::jurisdiction::Authority;
use protocol::UnixMillis;

use super::{Doubt, Group, Level, ServicePlace, Setup, StageName, Verdict};

mod en;
mod ko;

/// A language of page and comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// Korean.
    #[default]
    Korean,
    /// English.
    English,
}

impl Language {
    /// Both, for whoever offers the choice.
    pub const ALL: [Self; 2] = [Self::Korean, Self::English];

    /// The tag of BCP 47, as in HTML's `lang`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    /// Reads the tag.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }

    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::Korean => &ko::WORDS,
            Self::English => &en::WORDS,
        }
    }
}

/// The words of one language. Those with numbers in them are functions of the numbers as text.
pub(super) struct Words {
    pub(super) level_names: fn(Level) -> &'static str,
    pub(super) stage_names: fn(StageName) -> &'static str,
    pub(super) group_names: fn(Group) -> &'static str,
    pub(super) setup_names: fn(Setup) -> &'static str,
    pub(super) service_places: fn(ServicePlace) -> &'static str,
    /// What a map that is not official is called.
    pub(super) approximate: &'static str,
    pub(super) invented: &'static str,
    /// Metrics of what is shed: name, what it is called, why it happens.
    pub(super) shed_metrics: [(&'static str, &'static str, &'static str); 9],
    /// A date and a time of day, where the reader is.
    pub(super) time: fn(UnixMillis) -> String,
    /// A time in seconds.
    pub(super) seconds: fn(&str) -> String,
    pub(super) cores: fn(&str) -> String,
    /// The service had only so many cores.
    pub(super) confined: fn(&str) -> String,
    pub(super) doubt: fn(&Doubt) -> String,
    /// The verdict, how many levels were kept, and of how many.
    pub(super) machine_sentence: fn(Verdict, usize, usize) -> String,
    /// The share within 15 s and the target.
    pub(super) people_sentence: fn(&str, &str) -> String,
    /// Positions sent, and the share that was not seen.
    pub(super) positions_unseen_why: fn(&str, &str) -> String,
    /// Cells with alerts, and the most in one.
    pub(super) map_label: fn(usize, &str) -> String,
    pub(super) report: &'static str,
    pub(super) began_at: &'static str,
    pub(super) elapsed: &'static str,
    pub(super) alerts: &'static str,
    pub(super) seed: &'static str,
    pub(super) program: &'static str,
    pub(super) unknown: &'static str,
    pub(super) nothing_measured: &'static str,
    pub(super) what: &'static str,
    pub(super) count: &'static str,
    pub(super) value: &'static str,
    pub(super) why: &'static str,
    pub(super) max: &'static str,
    pub(super) verdict: &'static str,
    pub(super) passed: &'static str,
    pub(super) missed: &'static str,
    pub(super) not_conclusive: &'static str,
    pub(super) not_judged: &'static str,
    pub(super) machine: &'static str,
    pub(super) machine_about: &'static str,
    pub(super) people: &'static str,
    pub(super) people_about: &'static str,
    pub(super) people_absent: &'static str,
    pub(super) people_absent_merged: &'static str,
    pub(super) positions_peak: &'static str,
    pub(super) receipt_p999_short: &'static str,
    pub(super) seats_missing: &'static str,
    pub(super) no_number: &'static str,
    pub(super) never: &'static str,
    pub(super) levels: &'static str,
    pub(super) levels_caption: &'static str,
    pub(super) level: &'static str,
    pub(super) wanted: &'static str,
    pub(super) measured: &'static str,
    pub(super) kept: &'static str,
    pub(super) not_kept: &'static str,
    pub(super) people_level: &'static str,
    pub(super) counts_caption: &'static str,
    pub(super) per_thousand: &'static str,
    pub(super) raised: &'static str,
    pub(super) receipted: &'static str,
    pub(super) on_board: &'static str,
    pub(super) lost: &'static str,
    pub(super) doubled: &'static str,
    pub(super) reordered: &'static str,
    pub(super) map_mismatches: &'static str,
    pub(super) desks: &'static str,
    pub(super) caveat: &'static str,
    pub(super) looked_at_within: &'static str,
    pub(super) within_15_s: &'static str,
    pub(super) s_15: &'static str,
    pub(super) s_60: &'static str,
    pub(super) s_600: &'static str,
    pub(super) worst_wait: &'static str,
    pub(super) seats: &'static str,
    pub(super) seats_now: &'static str,
    pub(super) seats_needed: &'static str,
    pub(super) curve: &'static str,
    pub(super) curve_unit: &'static str,
    pub(super) target: &'static str,
    pub(super) latency: &'static str,
    pub(super) latency_lead: &'static str,
    pub(super) from_intended: &'static str,
    pub(super) from_begun: &'static str,
    pub(super) ranges: &'static str,
    pub(super) ranges_key: &'static str,
    pub(super) ranges_label: &'static str,
    pub(super) percentiles_caption: &'static str,
    pub(super) stage: &'static str,
    pub(super) latency_over_time: &'static str,
    pub(super) p99_ms: &'static str,
    pub(super) to_receipt: &'static str,
    pub(super) to_console: &'static str,
    pub(super) console_level: &'static str,
    pub(super) above_chart: &'static str,
    pub(super) since_begin: &'static str,
    pub(super) load: &'static str,
    pub(super) rate_over_time: &'static str,
    pub(super) alerts_per_s: &'static str,
    pub(super) offered: &'static str,
    pub(super) begun: &'static str,
    pub(super) begun_late_p99: &'static str,
    pub(super) generator_processor: &'static str,
    pub(super) conclusive: &'static str,
    pub(super) doubts: &'static str,
    pub(super) cost: &'static str,
    pub(super) cost_unknown: &'static str,
    pub(super) cost_by_machine: &'static str,
    pub(super) cpu_alerts: &'static str,
    pub(super) cpu_positions: &'static str,
    pub(super) memory_per_connection: &'static str,
    pub(super) resident_max: &'static str,
    pub(super) connected: &'static str,
    pub(super) phones: &'static str,
    pub(super) resident: &'static str,
    pub(super) resident_unit: &'static str,
    pub(super) processor: &'static str,
    pub(super) processor_unit: &'static str,
    pub(super) shed: &'static str,
    pub(super) shed_lead: &'static str,
    pub(super) shed_caption: &'static str,
    pub(super) positions_unseen: &'static str,
    pub(super) places: &'static str,
    pub(super) places_lead: &'static str,
    pub(super) alerts_per_cell: &'static str,
    pub(super) densest: &'static str,
    pub(super) corner: &'static str,
    pub(super) north: &'static str,
    pub(super) origin: &'static str,
    pub(super) origin_caption: &'static str,
    pub(super) map: &'static str,
    pub(super) official: &'static str,
    pub(super) setting: &'static str,
    pub(super) machine_name: &'static str,
    pub(super) system: &'static str,
    pub(super) format: &'static str,
    pub(super) remark: &'static str,
    pub(super) parts: &'static str,
    pub(super) scenario: &'static str,
    pub(super) comparison: &'static str,
    pub(super) setup: &'static str,
    pub(super) setup_lead: &'static str,
    pub(super) setup_same: &'static str,
    pub(super) differences: &'static str,
    pub(super) noise_lead: &'static str,
    pub(super) ratio: &'static str,
    pub(super) outcome: &'static str,
    pub(super) better: &'static str,
    pub(super) worse: &'static str,
    pub(super) within_noise: &'static str,
    pub(super) same: &'static str,
    pub(super) differs: &'static str,
}

impl Words {
    pub(super) fn level_name(&self, level: Level) -> &'static str {
        (self.level_names)(level)
    }

    pub(super) fn stage_name(&self, stage: StageName) -> &'static str {
        (self.stage_names)(stage)
    }

    pub(super) fn service_place(&self, place: ServicePlace) -> &'static str {
        (self.service_places)(place)
    }

    /// The label of a map that is not official.
    pub(super) fn authority(&self, authority: Authority) -> Option<&'static str> {
        match authority {
            Authority::Official => None,
            Authority::Approximate => Some(self.approximate),
            Authority::Invented => Some(self.invented),
        }
    }

    /// What a metric counts and why it does, where the page knows.
    pub(super) fn shed_words(&self, metric: &str) -> Option<(&'static str, &'static str)> {
        let mut known = self.shed_metrics.iter();
        known
            .find(|(name, ..)| *name == metric)
            .map(|(_, what, why)| (*what, *why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back() {
        for language in Language::ALL {
            assert_eq!(Language::from_code(language.code()), Some(language));
        }
        assert_eq!(Language::from_code("fr"), None);
    }

    #[test]
    fn both_languages_explain_the_same_metrics() {
        let names = |language: Language| language.words().shed_metrics.map(|(name, ..)| name);
        assert_eq!(names(Language::Korean), names(Language::English));
    }
}
