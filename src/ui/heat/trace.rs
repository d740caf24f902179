//! The measures drawn as traces over time: what each is at a timepoint, its limits, and the values its row spans.

use serde::{Deserialize, Serialize};

use super::Baseline;
use crate::qc::{Code, Limit, Row};

/// A trace under the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trace {
    /// Length of the shift in the plane, px.
    Motion,
    /// Light of the volume, percent of that of the first ones.
    Intensity,
    /// Percent of voxels at full scale, of the plane where they are most.
    Saturation,
    /// Shift along z, planes.
    ZDrift,
    /// Sharpness of the least sharp plane, percent of that of the first volumes.
    Focus,
    /// Median over the dark level, photons or counts.
    Signal,
}

impl Trace {
    /// All of them, in the order they are shown at first.
    pub const ALL: [Self; 6] =
        [Self::Motion, Self::Intensity, Self::Saturation, Self::ZDrift, Self::Focus, Self::Signal];

    /// Whether each of them is there once.
    pub fn is_order(order: &[Self; 6]) -> bool {
        Self::ALL.iter().all(|trace| order.contains(trace))
    }

    /// Name of its row.
    pub fn label(self) -> &'static str {
        match self {
            Self::Motion => "Motion",
            Self::Intensity => "Intensity",
            Self::Saturation => "Saturation",
            Self::ZDrift => "Z drift",
            Self::Focus => "Focus",
            Self::Signal => "Signal",
        }
    }

    /// What its values count.
    pub fn unit(self, baseline: &Baseline) -> &'static str {
        match self {
            Self::Motion => "px",
            Self::Intensity | Self::Saturation | Self::Focus => "%",
            Self::ZDrift => "planes",
            Self::Signal if baseline.gain.is_some() => "photons",
            Self::Signal => "counts",
        }
    }

    /// Digits after the point.
    pub fn decimals(self) -> usize {
        match self {
            Self::Motion | Self::Intensity | Self::Focus | Self::Signal => 1,
            Self::ZDrift => 2,
            Self::Saturation => 3,
        }
    }

    /// The measure it is made of.
    pub fn code(self) -> Code {
        match self {
            Self::Motion => Code::Motion,
            Self::Intensity | Self::Signal => Code::Intensity,
            Self::Saturation => Code::Saturation,
            Self::ZDrift => Code::ZDrift,
            Self::Focus => Code::Focus,
        }
    }

    /// Measures whose alarms are about what it shows.
    pub fn is_of(self, code: Code) -> bool {
        match self {
            Self::Motion => matches!(code, Code::Motion | Code::BadFrame),
            Self::Intensity => matches!(code, Code::Bleaching | Code::Dvars),
            Self::Saturation => code == Code::Saturation,
            Self::ZDrift => matches!(code, Code::ZDrift | Code::PlaneSlip),
            Self::Focus => matches!(code, Code::Focus | Code::Flyback),
            Self::Signal => code == Code::Underexposed,
        }
    }

    /// The measure whose limits are drawn over it; those of the others are in other units.
    pub fn limited_by(self) -> Option<Code> {
        match self {
            Self::Motion | Self::Saturation | Self::ZDrift | Self::Focus => Some(self.code()),
            Self::Intensity | Self::Signal => None,
        }
    }

    /// Whether values below the limits are the bad ones.
    pub fn is_bad_below(self) -> bool {
        self == Self::Focus
    }

    /// What it is at a timepoint; NaN where that cannot be told.
    pub fn value(self, row: &Row, baseline: &Baseline) -> f32 {
        let planes = row.planes.iter();
        match self {
            Self::Motion => row.volume.shift[0].hypot(row.volume.shift[1]),
            Self::Intensity => baseline.intensity(row),
            Self::Saturation => planes.map(|plane| baseline.saturation(plane)).fold(f32::NAN, f32::max),
            Self::ZDrift => row.volume.z_drift,
            Self::Focus => planes.enumerate().map(|(z, plane)| baseline.focus(plane, z)).fold(f32::NAN, f32::min),
            Self::Signal => baseline.signal(row),
        }
    }

    /// Values at the bottom and the top of its row. Where there are limits they alone decide, so that nothing
    /// moves when a value comes; else `seen`, least and most but for a few outliers, by way of round steps.
    pub fn span(self, limit: Limit, seen: [f32; 2]) -> [f32; 2] {
        let highest = limit.alarm.or(limit.warn.map(|warn| warn * 2.0)).map(|value| value as f32);
        match self {
            Self::Motion | Self::Saturation => [0.0, highest.map_or_else(|| round_up(seen[1]), |limit| limit * 1.4)],
            Self::ZDrift => {
                let end = highest.map_or_else(|| round_up(seen[0].abs().max(seen[1].abs())), |limit| limit * 1.4);
                [-end, end]
            }
            Self::Focus => {
                let lowest = limit.alarm.or(limit.warn).map_or(90.0, |value| value as f32).min(99.0);
                [100.0 - (100.0 - lowest) * 2.5, 100.0 + (100.0 - lowest)]
            }
            Self::Intensity => {
                let steps = [[80.0, 110.0], [50.0, 125.0], [0.0, 150.0]];
                let holds = |span: &[f32; 2]| span[0] <= seen[0] && seen[1] <= span[1];
                let found = steps.into_iter().find(|span| holds(span) || seen.iter().any(|end| end.is_nan()));
                found.unwrap_or_else(|| [0.0, round_up(seen[1])])
            }
            Self::Signal => [0.0, round_up(seen[1])],
        }
    }
}

/// The next 1, 2 or 5 times a power of ten, with some room above.
fn round_up(value: f32) -> f32 {
    let wanted = f64::from(value) * 1.1;
    if !(wanted.is_finite() && wanted > 1e-30) {
        return 1.0;
    }
    let decade = 10f64.powi(wanted.log10().floor() as i32);
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * decade >= wanted);
    (factor.unwrap_or(10.0) * decade) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_span_their_limits_and_do_not_follow_single_values() {
        let motion = Limit::new(2.0, 5.0);
        assert_eq!(Trace::Motion.span(motion, [0.0, 300.0]), [0.0, 7.0]);
        assert_eq!(Trace::ZDrift.span(Limit::new(0.5, 1.0), [f32::NAN; 2]), [-1.4, 1.4]);
        assert_eq!(Trace::Focus.span(Limit::warn(90.0), [f32::NAN; 2]), [75.0, 110.0]);
        assert_eq!(Trace::Motion.span(Limit::default(), [0.0, 17.0]), [0.0, 20.0]);
        let intensity = |seen| Trace::Intensity.span(Limit::default(), seen);
        assert_eq!(intensity([f32::NAN; 2]), [80.0, 110.0]);
        assert_eq!(intensity([96.0, 104.0]), intensity([85.0, 109.0]));
        assert_eq!(intensity([4.0, 104.0]), [0.0, 150.0]);
        assert_eq!(intensity([4.0, 3000.0]), [0.0, 5000.0]);
        for seen in [[f32::NAN; 2], [0.0; 2], [-5.0, -1.0], [0.0, f32::INFINITY]] {
            for trace in Trace::ALL {
                for limit in [Limit::default(), Limit::new(0.0, 0.0), Limit::warn(100.0)] {
                    let [low, high] = trace.span(limit, seen);
                    let is_fine = low.is_finite() && high.is_finite() && low <= high;
                    assert!(is_fine, "{trace:?} {limit:?} {seen:?}: {low} to {high}");
                }
            }
        }
    }
}
