//! From values over time to spans of time: one begins where a value is beyond its limit and ends once the value
//! has been back for some volumes, so that noise about a limit is one span and not many.

/// Volumes a value has to be back within its limit before a span ends. What has not been measured counts as back.
pub(super) const QUIET_VOLUMES: usize = 5;

/// A value has come back when what is beyond normal is less than this share of its limit.
const RELEASE: f64 = 0.8;

/// A limit, and where a value beyond it has come back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub limit: f64,
    release: f64,
    is_lower: bool,
}

impl Bound {
    /// Values above are beyond it.
    pub fn upper(limit: f64) -> Self {
        Self { limit, release: limit * RELEASE, is_lower: false }
    }

    /// Values below are beyond it; `normal` is what they should be, so that the shortfall is measured from there.
    pub fn lower(limit: f64, normal: f64) -> Self {
        Self { limit, release: normal - (normal - limit) * RELEASE, is_lower: true }
    }

    fn is_beyond(&self, value: f64) -> bool {
        if self.is_lower { value < self.limit } else { value > self.limit }
    }

    fn holds(&self, value: f64) -> bool {
        self.is_beyond(value) || if self.is_lower { value <= self.release } else { value >= self.release }
    }

    fn is_worse(&self, value: f64, than: f64) -> bool {
        if self.is_lower { value < than } else { value > than }
    }
}

/// A span of time in one or several planes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// First and last timepoint.
    pub t: [usize; 2],
    /// First and last plane.
    pub z: [usize; 2],
    /// The worst value.
    pub worst: f64,
    /// Timepoints at which the value held, in the plane that has most of them.
    pub num: usize,
}

/// Follows one value over time.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    spans: Vec<Span>,
}

impl Track {
    /// Takes the value of a timepoint, which counts up; whether a span holds at it. NaN is a value that could not
    /// be had.
    pub fn push(&mut self, bound: &Bound, t: usize, z: usize, value: f64) -> bool {
        if !bound.holds(value) {
            return false;
        }
        match self.spans.last_mut() {
            Some(span) if t - span.t[1] <= QUIET_VOLUMES => {
                span.t[1] = t;
                span.num += 1;
                if bound.is_worse(value, span.worst) {
                    span.worst = value;
                }
            }
            _ if bound.is_beyond(value) => self.spans.push(Span { t: [t, t], z: [z, z], worst: value, num: 1 }),
            _ => return false,
        }
        true
    }
}

/// The spans of all planes, those of neighbouring planes that meet in time joined. In order of their beginning.
pub(super) fn join(bound: &Bound, tracks: Vec<Track>) -> Vec<Span> {
    let mut spans: Vec<Span> = tracks.into_iter().flat_map(|track| track.spans).collect();
    spans.sort_by_key(|span| (span.t, span.z));
    let (mut open, mut joined): (Vec<Span>, Vec<Span>) = (Vec::new(), Vec::new());
    for mut span in spans {
        let begin = span.t[0];
        let over = |other: &Span| other.t[1] + QUIET_VOLUMES < begin;
        joined.extend(open.iter().filter(|other| over(other)));
        open.retain(|other| !over(other));
        // Each joining may let it reach a neighbour it did not reach before.
        while let Some(i) = open.iter().position(|other| meet(other, &span)) {
            let other = open.swap_remove(i);
            let worst = if bound.is_worse(other.worst, span.worst) { other.worst } else { span.worst };
            span = Span {
                t: [other.t[0].min(span.t[0]), other.t[1].max(span.t[1])],
                z: [other.z[0].min(span.z[0]), other.z[1].max(span.z[1])],
                worst,
                num: other.num.max(span.num),
            };
        }
        open.push(span);
    }
    joined.extend(open);
    joined.sort_by_key(|span| (span.t, span.z));
    joined
}

fn meet(a: &Span, b: &Span) -> bool {
    let near = |a: [usize; 2], b: [usize; 2], by: usize| a[0] <= b[1] + by && b[0] <= a[1] + by;
    near(a.z, b.z, 1) && near(a.t, b.t, QUIET_VOLUMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(bound: Bound, values: &[f64]) -> Vec<[usize; 2]> {
        let mut track = Track::default();
        values.iter().enumerate().for_each(|(t, value)| _ = track.push(&bound, t, 0, *value));
        join(&bound, vec![track]).iter().map(|span| span.t).collect()
    }

    #[test]
    fn a_span_ends_after_five_volumes_below_four_fifths_of_the_limit() {
        let four_back = [0.0, 6.0, 1.0, 1.0, 1.0, 1.0, 6.0, 0.0];
        assert_eq!(spans(Bound::upper(5.0), &four_back), [[1, 6]]);
        let five_back = [0.0, 6.0, 1.0, 1.0, f64::NAN, 1.0, 1.0, 6.0];
        assert_eq!(spans(Bound::upper(5.0), &five_back), [[1, 1], [7, 7]]);
        let lingering = [6.0, 4.1, 4.1, 4.1, 4.1, 4.1, 4.1, 3.9];
        assert_eq!(spans(Bound::upper(5.0), &lingering), [[0, 6]]);
        assert!(spans(Bound::upper(5.0), &[4.9, 5.0, 4.9]).is_empty(), "a span begins only beyond the limit");
    }

    #[test]
    fn of_lower_limits_the_shortfall_is_measured_from_what_is_normal() {
        let values = [100.0, 89.0, 91.9, 92.1, 92.1, 92.1, 92.1, 92.1, 91.0];
        assert_eq!(spans(Bound::lower(90.0, 100.0), &values), [[1, 2]]);
    }

    #[test]
    fn spans_of_neighbouring_planes_that_meet_are_one() {
        let bound = Bound::upper(0.5);
        let mut tracks = vec![Track::default(); 6];
        // Plane 1 reaches plane 0 only by way of plane 2, and plane 4 has no neighbour.
        for (z, t) in [(0, 10..20), (2, 12..40), (1, 30..35), (4, 10..20), (0, 33..34)] {
            t.for_each(|t| assert!(tracks[z].push(&bound, t, z, 1.0 + z as f64)));
        }
        let joined: Vec<_> = join(&bound, tracks).iter().map(|span| (span.t, span.z, span.worst)).collect();
        assert_eq!(joined, [([10, 19], [0, 0], 1.0), ([10, 19], [4, 4], 5.0), ([12, 39], [0, 2], 3.0)]);
    }
}
