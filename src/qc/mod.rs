//! Is the recording good? Measures of every timepoint, figures of the whole, alarms, and the minutes that can
//! be used. Everything here works on arrays in memory; what reads a recording for it is [`crate::sweep`].
//!
//! Three stages, so that a recording can be measured in parts: *prepare* ([`Preparation`] → [`References`]) →
//! *sweep* ([`Measurer`]: a [`Row`] for each timepoint, and a [`State`] that can be merged) → *merge* ([`Table`],
//! [`Figures`], [`judge()`]). One pass is the same over one part; any cut gives the same numbers.

mod absent;
mod alarm;
mod bad_frame;
mod basics;
mod bleaching;
mod camera;
mod code;
mod cosine;
mod counts;
mod derived;
mod detail;
mod digest;
mod dvars;
mod exposure;
mod figured;
mod figures;
mod flyback;
mod focus;
mod gap;
mod intensity;
mod judge;
mod lanes;
mod lattice;
mod levels;
mod light;
mod likeness;
mod limits;
mod measurer;
mod median_filter;
mod motion;
mod noise;
mod once;
mod photon_gain;
mod pictures;
mod plane;
mod plane_slip;
mod reasons;
mod references;
mod report;
mod row;
mod saturation;
mod slipped;
mod spans;
mod spare;
mod spectrum;
mod state;
mod stripes;
mod subject;
mod table;
mod tsnr;
mod usable;
mod watch;
mod whole;
#[cfg(test)]
mod whole_tests;
mod words;
mod z_drift;

pub use alarm::{Alarm, Grade, Gravity, Usable, whole_percent};
pub use code::{Code, Codes};
pub use derived::Derived;
pub use figures::{Bleaching, Figures, FullScale, PhotonGain, Timing};
pub use judge::{Evidence, Verdict, judge, judge_with};
pub use limits::{Limit, Limits};
pub use measurer::Measurer;
pub use pictures::Pictures;
pub use plane::{Plane, Values};
pub use references::{Preparation, REFERENCE_VOLUMES, References};
pub use report::{Provenance, Report};
pub use row::{NUM_SCALES, PlaneRow, Row, VolumeRow};
pub use saturation::Saturation;
pub use state::State;
pub use subject::{Missing, Subject};
pub use table::Table;

use crate::volume::DType;

/// The values that may be a camera's full scale: 10, 12 and 14 bits, and the largest of the storage type, which
/// floats lack.
pub fn scales(dtype: DType) -> [Option<f64>; NUM_SCALES] {
    // What is stored as yes or no has no full scale.
    let largest = dtype.integer_range().map(|range| range[1]).filter(|largest| *largest > 1.0);
    let camera = |value: f64| largest.filter(|largest| *largest > value).map(|_| value);
    [camera(1023.0), camera(4095.0), camera(16383.0), largest]
}
