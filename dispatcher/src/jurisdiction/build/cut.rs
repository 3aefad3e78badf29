//! A district that several stations answer for, cut by the nearest of them.
//!
//! Nearest is measured in the plane in which a degree of longitude is shorter by the cosine of the
//! stations' mean latitude. There the line between two stations is straight, three such lines meet
//! in one corner, and over a district it lies within tens of metres of the line on the ground.

use super::corner::{Corner, doubled_area, encloses};

/// What an edge follows. It tells two neighbours to compute the same corner where it is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Course {
    /// The district's own border, between these corners of the source.
    Border(Corner, Corner),
    /// The line between this cell's station and that of the site with this index.
    Cut(usize),
}

/// The way from one corner to the next edge's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Edge {
    pub(crate) from: Corner,
    pub(crate) course: Course,
}

/// A closed way with the inside on its left; the last edge ends where the first begins.
pub(crate) type Ring = Vec<Edge>;

/// One polygon: a counter-clockwise ring and clockwise holes.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Patch {
    pub(crate) rings: Vec<Ring>,
}

/// A ring of the source.
pub(crate) fn ring_of(corners: &[Corner]) -> Ring {
    let next = corners.iter().cycle().skip(1);
    corners
        .iter()
        .zip(next)
        .map(|(&from, &to)| Edge {
            from,
            course: Course::Border(from, to),
        })
        .collect()
}

pub(crate) fn corners(ring: &[Edge]) -> Vec<Corner> {
    ring.iter().map(|edge| edge.from).collect()
}

/// For each site, the part of the patches that is nearer to it than to any other. A corner as
/// near to two belongs to the first.
pub(crate) fn nearest_cells(patches: &[Patch], sites: &[Corner]) -> Vec<Vec<Patch>> {
    let plane = Plane::around(sites);
    (0..sites.len())
        .map(|own| {
            (0..sites.len())
                .filter(|&other| other != own)
                .fold(patches.to_vec(), |cell, other| {
                    let line = Line {
                        plane: &plane,
                        own,
                        other,
                    };
                    cell.iter().flat_map(|patch| line.clip(patch)).collect()
                })
        })
        .collect()
}

/// A flat neighbourhood, in grid units of latitude from the first site.
struct Plane {
    origin: Corner,
    cos_lat: f64,
    sites: Vec<[f64; 2]>,
}

impl Plane {
    fn around(sites: &[Corner]) -> Self {
        let origin = sites.first().copied().unwrap_or(Corner { x: 0, y: 0 });
        let mean_lat = sites.iter().map(|site| site.y as f64).sum::<f64>() / sites.len() as f64;
        let cos_lat = (mean_lat / super::corner::UNITS_PER_DEG).to_radians().cos();
        let mut plane = Self {
            origin,
            cos_lat,
            sites: Vec::new(),
        };
        plane.sites = sites.iter().map(|&site| plane.flat(site)).collect();
        plane
    }

    fn flat(&self, at: Corner) -> [f64; 2] {
        [
            (at.x - self.origin.x) as f64 * self.cos_lat,
            (at.y - self.origin.y) as f64,
        ]
    }

    /// The nearest corner of the grid; only for what lies near the sites.
    fn corner(&self, [x, y]: [f64; 2]) -> Corner {
        Corner {
            x: self.origin.x + (x / self.cos_lat).round() as i64,
            y: self.origin.y + y.round() as i64,
        }
    }

    fn squared_distance(&self, at: Corner, site: usize) -> f64 {
        let ([x, y], [sx, sy]) = (self.flat(at), self.sites[site]);
        (x - sx).powi(2) + (y - sy).powi(2)
    }

    /// The corner that is as far from all three, computed the same for whichever order they come in.
    fn meeting(&self, mut three: [usize; 3]) -> [f64; 2] {
        three.sort_unstable();
        let [a, b, c] = three.map(|site| self.sites[site]);
        let (u, v) = ([b[0] - a[0], b[1] - a[1]], [c[0] - a[0], c[1] - a[1]]);
        let (uu, vv) = (u[0] * u[0] + u[1] * u[1], v[0] * v[0] + v[1] * v[1]);
        let doubled = 2.0 * (u[0] * v[1] - u[1] * v[0]);
        [
            a[0] + (v[1] * uu - u[1] * vv) / doubled,
            a[1] + (u[0] * vv - v[0] * uu) / doubled,
        ]
    }
}

/// The line between the own station and another one.
struct Line<'a> {
    plane: &'a Plane,
    own: usize,
    other: usize,
}

/// Where a ring crosses the line.
struct Crossing {
    at: Corner,
    /// How far along the line, which runs with the own side on its left.
    along: f64,
}

/// A stretch of a ring on the own side of the line, between two crossings.
struct Stretch {
    enters: Crossing,
    edges: Vec<Edge>,
    leaves: Crossing,
}

impl Line<'_> {
    /// Never a tie, and the opposite of what the other station's line says.
    fn is_own(&self, at: Corner) -> bool {
        let own = self.plane.squared_distance(at, self.own);
        let other = self.plane.squared_distance(at, self.other);
        own < other || (own == other && self.own < self.other)
    }

    /// The part of a patch on the own side: whole rings stay, crossed ones are cut into stretches,
    /// and the ends of the stretches are joined along the line.
    fn clip(&self, patch: &Patch) -> Vec<Patch> {
        let mut rings = Vec::new();
        let mut stretches = Vec::new();
        for ring in &patch.rings {
            let own: Vec<bool> = ring.iter().map(|edge| self.is_own(edge.from)).collect();
            if own.iter().all(|&own| own) {
                rings.push(ring.clone());
            } else {
                self.stretches(ring, &own, &mut stretches);
            }
        }
        rings.extend(self.join(stretches));
        regroup(rings)
    }

    fn stretches(&self, ring: &Ring, own: &[bool], found: &mut Vec<Stretch>) {
        let len = ring.len();
        for start in (0..len).filter(|&n| own[n] && !own[(n + len - 1) % len]) {
            let entering = (start + len - 1) % len;
            let enters = self.crossing(ring, entering);
            let mut edges = vec![Edge {
                from: enters.at,
                course: ring[entering].course,
            }];
            let own_edges = (start..start + len)
                .map(|n| n % len)
                .take_while(|&n| own[n]);
            edges.extend(own_edges.map(|n| ring[n]));
            let leaving = (start + edges.len() - 2) % len;
            found.push(Stretch {
                enters,
                edges,
                leaves: self.crossing(ring, leaving),
            });
        }
    }

    /// Where the edge with this index crosses the line. What follows the source's border is cut
    /// between the source's corners, so that both sides and the neighbour find the same corner.
    fn crossing(&self, ring: &Ring, edge: usize) -> Crossing {
        let flat = match ring[edge].course {
            Course::Cut(third) => self.meeting_on(ring, edge, third),
            Course::Border(from, to) => {
                let ends = [from.min(to), from.max(to)];
                let sites = [self.own.min(self.other), self.own.max(self.other)];
                // The difference of two squared distances is linear in the plane.
                let [p, q] = ends.map(|end| {
                    self.plane.squared_distance(end, sites[0])
                        - self.plane.squared_distance(end, sites[1])
                });
                let share = if p == q {
                    0.5
                } else {
                    (p / (p - q)).clamp(0.0, 1.0)
                };
                let [a, b] = ends.map(|end| self.plane.flat(end));
                [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]
            }
        };
        let (own, other) = (self.plane.sites[self.own], self.plane.sites[self.other]);
        let across = [other[0] - own[0], other[1] - own[1]];
        Crossing {
            at: self.plane.corner(flat),
            along: flat[1] * across[0] - flat[0] * across[1],
        }
    }

    /// Where three lines meet, or an end of the edge when rounding alone makes them seem to: of three
    /// stations in a row the lines never meet.
    fn meeting_on(&self, ring: &Ring, edge: usize, third: usize) -> [f64; 2] {
        const ROUNDING_UNITS: f64 = 4.0;
        let meeting = self.plane.meeting([self.own, self.other, third]);
        let [a, b] =
            [ring[edge].from, ring[(edge + 1) % ring.len()].from].map(|end| self.plane.flat(end));
        let near = |axis: usize| {
            let (low, high) = (a[axis].min(b[axis]), a[axis].max(b[axis]));
            (low - ROUNDING_UNITS..=high + ROUNDING_UNITS).contains(&meeting[axis])
        };
        if near(0) && near(1) { meeting } else { a }
    }

    /// Walks from where a stretch leaves the own side along the line to where the next one enters.
    /// Along the line the inside of the patch begins at a leaving and ends at an entering, in turn.
    fn join(&self, mut stretches: Vec<Stretch>) -> Vec<Ring> {
        stretches.sort_by(|a, b| a.enters.along.total_cmp(&b.enters.along));
        let mut leaving: Vec<usize> = (0..stretches.len()).collect();
        leaving.sort_by(|&a, &b| {
            stretches[a]
                .leaves
                .along
                .total_cmp(&stretches[b].leaves.along)
        });
        let mut next = vec![0; stretches.len()];
        for (enters, &leaves) in leaving.iter().enumerate() {
            next[leaves] = enters;
        }
        let mut walked = vec![false; stretches.len()];
        let mut rings = Vec::new();
        for start in 0..stretches.len() {
            let mut ring = Vec::new();
            let mut at = start;
            while !walked[at] {
                walked[at] = true;
                ring.extend_from_slice(&stretches[at].edges);
                let course = Course::Cut(self.other);
                ring.push(Edge {
                    from: stretches[at].leaves.at,
                    course,
                });
                at = next[at];
            }
            rings.push(ring);
        }
        rings
    }
}

/// Drops edges without length and rings without area, and gives every hole to the ring around it.
pub(crate) fn regroup(rings: Vec<Ring>) -> Vec<Patch> {
    let mut patches: Vec<(Vec<Corner>, Patch)> = Vec::new();
    let mut holes = Vec::new();
    for mut ring in rings {
        let ends = corners(&ring);
        let mut n = 0;
        ring.retain(|edge| {
            n += 1;
            edge.from != ends[n % ends.len()]
        });
        let ends = corners(&ring);
        match doubled_area(&ends) {
            0 => {}
            1.. => patches.push((ends, Patch { rings: vec![ring] })),
            _ => holes.push((ends, ring)),
        }
    }
    for (ends, hole) in holes {
        let around = patches.iter_mut().find(|(outer, _)| {
            ends.iter().find_map(|&corner| encloses(outer, corner)) == Some(true)
        });
        if let Some((_, patch)) = around {
            patch.rings.push(hole);
        }
    }
    patches.into_iter().map(|(_, patch)| patch).collect()
}

#[cfg(test)]
mod tests;
