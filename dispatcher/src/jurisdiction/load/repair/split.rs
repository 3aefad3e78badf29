//! Lines split wherever they meet, so that they meet at their ends only or are the same.

use geo::Coord;

use super::Tangled;
use super::meetings::{Contact, Edge, crossing, holds, meetings};

/// Where a crossing is rounded, a line moves by the last bit and may meet another one anew. That
/// ends after two or three rounds, or the lines are as dense as numbers are.
const MAX_ROUNDS: usize = 32;

/// Splits lines. No corner is moved or lost; where two lines cross, one is added.
pub(super) fn split(mut edges: Vec<Edge>) -> Result<Vec<Edge>, Tangled> {
    for _ in 0..MAX_ROUNDS {
        let mut cuts = cuts(&edges)?;
        if cuts.is_empty() {
            return Ok(edges);
        }
        cuts.sort_by_key(|(edge, _)| *edge);
        edges = split_at(&edges, &cuts);
    }
    Err(Tangled)
}

/// Places within lines at which they must be split.
fn cuts(edges: &[Edge]) -> Result<Vec<(u32, Coord<f64>)>, Tangled> {
    let mut cuts = Vec::new();
    for meeting in meetings(edges)? {
        let (first, second) = (meeting.first as usize, meeting.second as usize);
        let (a, b) = (edges[first].line, edges[second].line);
        let mut cut = |edge: usize, at: Coord<f64>| {
            let line = edges[edge].line;
            if at != line.start && at != line.end {
                cuts.push((edge as u32, at));
            }
        };
        match meeting.contact {
            Contact::Crosses => {
                let at = crossing(a, b);
                cut(first, at);
                cut(second, at);
            }
            Contact::Touches => {
                [b.start, b.end]
                    .into_iter()
                    .filter(|end| holds(a, *end))
                    .for_each(|end| cut(first, end));
                [a.start, a.end]
                    .into_iter()
                    .filter(|end| holds(b, *end))
                    .for_each(|end| cut(second, end));
            }
        }
    }
    Ok(cuts)
}

fn split_at(edges: &[Edge], cuts: &[(u32, Coord<f64>)]) -> Vec<Edge> {
    let mut cuts = cuts.iter().peekable();
    let mut parts = Vec::with_capacity(edges.len() + cuts.len());
    for (number, edge) in (0..).zip(edges) {
        let (start, end) = (edge.line.start, edge.line.end);
        let mut corners = Vec::new();
        while let Some((_, at)) = cuts.next_if(|(cut, _)| *cut == number) {
            corners.push(*at);
        }
        let by_length = edge.line.dx().abs() >= edge.line.dy().abs();
        let along = |at: &Coord<f64>| match by_length {
            true => (at.x - start.x) * edge.line.dx().signum(),
            false => (at.y - start.y) * edge.line.dy().signum(),
        };
        corners.sort_by(|a, b| along(a).total_cmp(&along(b)));
        let mut from = start;
        for to in corners.into_iter().chain([end]) {
            if to != from {
                let line = geo::Line::new(from, to);
                parts.push(Edge { line, ..*edge });
                from = to;
            }
        }
    }
    parts
}
