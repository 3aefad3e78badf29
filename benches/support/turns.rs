//! Figures of turns that several take, one after the other.

/// The one in the middle: other work on the machine only ever makes a turn dearer.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Of the first to the second, turn by turn: what else the machine does meanwhile falls on both.
pub(crate) fn median_ratio([first, second]: &[Vec<f64>; 2]) -> f64 {
    let turns = first.iter().zip(second);
    median(turns.map(|(first, second)| first / second).collect())
}
