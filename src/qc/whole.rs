//! The measures of a volume as a whole: shift in the plane, shift along z, rotated planes. What they are compared
//! with is made of the first volumes.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::likeness::{Likeness, Planes};
use super::motion::{Registration, Shift};
use super::spectrum::Phases;
use super::{Code, Codes, Plane, Subject, VolumeRow, plane_slip, z_drift};

/// What volumes are compared with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct WholeReferences {
    phases: Option<Phases>,
    /// Where their image lies from the volume that others were moved onto, in cells: that goes by whole cells.
    lies: [f32; 2],
    planes: Option<Planes>,
    /// What `z_drift` gives where nothing has moved: neighbours are not alike on both sides.
    rest: f64,
    /// Whether it was asked for and the first volumes showed nothing that could be followed.
    is_blank: bool,
}

impl WholeReferences {
    /// Whether nothing in the first volumes could be followed, though it was asked for.
    pub fn is_blank(&self) -> bool {
        self.is_blank
    }
}

/// Takes the planes of a volume and says what they give together.
pub(super) struct Whole {
    wanted: Codes,
    digest: Digest,
    registration: Option<Registration>,
}

impl Whole {
    /// Nothing where none of it is wanted.
    pub fn new(subject: &Subject, wanted: Codes) -> Option<Self> {
        let has_any = |codes: &[Code]| codes.iter().any(|code| wanted.has(*code));
        let wants_depth = subject.num_z() > 1 && has_any(&[Code::ZDrift, Code::PlaneSlip]);
        let [_, num_z, num_y, num_x] = subject.shape;
        // Planes are compared at the place to which they have moved.
        let wants_image = wants_depth || has_any(&[Code::Motion, Code::BadFrame]);
        wants_image.then(|| {
            let digest = Digest::new([num_z, num_y, num_x], true, wants_depth);
            Self { wanted, registration: Registration::new(digest.image_cells.shape), digest }
        })
    }

    /// Some planes of the volume, from plane `first_z` on.
    pub fn planes(&mut self, first_z: usize, planes: &[Plane<'_>]) {
        self.digest.planes(first_z, planes);
    }

    /// All planes of the volume have been given.
    pub fn end(&mut self, references: &WholeReferences) -> VolumeRow {
        let shift = self.shift(references.phases.as_ref());
        let step = self.digest.image_cells.step as f32;
        let mut row = VolumeRow {
            shift: [0, 1].map(|axis| (shift.by[axis] + references.lies[axis]) * step),
            shift_quality: shift.quality,
            correlation: shift.correlation,
            ..VolumeRow::UNKNOWN
        };
        if let Some(reference) = &references.planes
            && (self.wanted.has(Code::ZDrift) || self.wanted.has(Code::PlaneSlip))
            && self.digest.is_there.contains(&true)
        {
            let step = self.digest.plane_cells.step as f32;
            let planes = self.take_planes();
            // Where no shift is known there is nothing to be moved back.
            let in_cells = row.shift.map(|by| if by.is_finite() { (by / step).round() as i32 } else { 0 });
            let likeness = Likeness::of(&planes, reference, in_cells);
            self.digest.planes = planes.into_values();
            if self.wanted.has(Code::ZDrift) {
                row.z_drift = (z_drift::offset(&likeness) - references.rest) as f32;
            }
            if self.wanted.has(Code::PlaneSlip) {
                row.slip = plane_slip::offset(&likeness).map_or(f32::NAN, |slip| signed(slip, likeness.num_z()));
            }
        }
        self.digest.clear();
        row
    }

    fn shift(&mut self, phases: Option<&Phases>) -> Shift {
        match (&mut self.registration, phases) {
            (Some(registration), Some(phases)) => registration.shift(&self.digest.image, phases),
            _ => Shift::UNKNOWN,
        }
    }

    fn take_planes(&mut self) -> Planes {
        let [num_y, num_x] = self.digest.plane_cells.shape;
        Planes::new([self.digest.is_there.len(), num_y, num_x], std::mem::take(&mut self.digest.planes))
    }
}

/// A cyclic offset as the smaller of its two directions.
fn signed(slip: usize, num_z: usize) -> f32 {
    if 2 * slip > num_z { -((num_z - slip) as f32) } else { slip as f32 }
}

/// Makes the references of the first volumes, each of which is given to a [`Whole`].
pub(super) struct WholePreparation {
    whole: Whole,
    /// What later images are moved onto.
    anchor: Option<Phases>,
    image: Mean,
    /// What was left of their shifts after they had been moved, summed.
    rests: [f32; 2],
    /// Means of every other volume, in cells.
    planes: [Mean; 2],
    num_volumes: usize,
}

impl WholePreparation {
    /// Nothing where none of it is wanted.
    pub fn new(subject: &Subject, wanted: Codes) -> Option<Self> {
        let whole = Whole::new(subject, wanted)?;
        let num_image = whole.digest.image.len();
        let num_planes = whole.digest.planes.len();
        Some(Self {
            whole,
            anchor: None,
            image: Mean::new(num_image),
            rests: [0.0; 2],
            planes: [(); 2].map(|()| Mean::new(num_planes)),
            num_volumes: 0,
        })
    }

    /// Some planes of one of the first volumes, from plane `first_z` on.
    pub fn planes(&mut self, first_z: usize, planes: &[Plane<'_>]) {
        self.whole.planes(first_z, planes);
    }

    /// All planes of the volume have been given.
    pub fn end(&mut self) {
        let [num_y, num_x] = self.whole.digest.image_cells.shape;
        let shift = self.whole.shift(self.anchor.as_ref()).by;
        if shift[0].is_nan() && self.image.num_added <= 1 {
            // A first volume that no other resembles, one without light perhaps, is not what all are to be moved onto.
            let image = &self.whole.digest.image;
            let phases = self.whole.registration.as_mut().and_then(|registration| registration.phases(image));
            if phases.is_some() {
                self.anchor = phases;
                self.image = Mean::new(num_y * num_x);
                self.rests = [0.0; 2];
                self.image.add(image.iter().copied());
            }
        } else if !shift[0].is_nan() {
            let [dy, dx] = shift.map(|by| by.round() as isize);
            let image = &self.whole.digest.image;
            let inside = |i: usize, by: isize, num: usize| i.checked_add_signed(by).filter(|i| *i < num);
            let from = |i: usize| {
                let place = inside(i / num_x, dy, num_y).zip(inside(i % num_x, dx, num_x));
                place.map_or(f32::NAN, |(y, x)| image[y * num_x + x])
            };
            self.image.add((0..image.len()).map(from));
            (0..2).for_each(|axis| self.rests[axis] += shift[axis] - shift[axis].round());
        }
        self.planes[self.num_volumes % 2].add(self.whole.digest.planes.iter().copied());
        self.num_volumes += 1;
        self.whole.digest.clear();
    }

    /// The references of what has been seen.
    pub fn finish(mut self) -> WholeReferences {
        let image = self.image.values();
        let phases = self.whole.registration.as_mut().and_then(|registration| registration.phases(&image));
        let lies = self.rests.map(|rest| rest / self.image.num_added.max(1) as f32);
        let digest = &self.whole.digest;
        let [num_y, num_x] = digest.plane_cells.shape;
        let shape = [digest.is_there.len(), num_y, num_x];
        if digest.planes.is_empty() {
            return WholeReferences { is_blank: phases.is_none(), phases, lies, ..WholeReferences::default() };
        }
        let [even, odd] = self.planes.each_ref().map(|mean| Planes::new(shape, mean.values()));
        let of_one = self.num_volumes < 2;
        let rests = [(&even, &odd), (&odd, &even)].map(|(a, b)| {
            z_drift::offset(&if of_one { Likeness::of(&even, &even, [0, 0]) } else { Likeness::of(a, b, [0, 0]) })
        });
        let rest = (rests[0] + rests[1]) / 2.0;
        let [mut all, other] = self.planes;
        all.merge(&other);
        let planes = Planes::new(shape, all.values());
        let rest = if rest.is_finite() { rest } else { 0.0 };
        WholeReferences { is_blank: phases.is_none(), phases, lies, planes: Some(planes), rest }
    }
}

/// Means of values over volumes; what is not finite is left out.
struct Mean {
    sums: Vec<f32>,
    nums: Vec<u8>,
    num_added: usize,
}

impl Mean {
    fn new(num: usize) -> Self {
        Self { sums: vec![0.0; num], nums: vec![0; num], num_added: 0 }
    }

    fn add(&mut self, values: impl Iterator<Item = f32>) {
        for ((sum, num), value) in self.sums.iter_mut().zip(&mut self.nums).zip(values) {
            if value.is_finite() {
                *sum += value;
                *num = num.saturating_add(1);
            }
        }
        self.num_added += 1;
    }

    fn merge(&mut self, other: &Self) {
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, more)| *sum += more);
        self.nums.iter_mut().zip(&other.nums).for_each(|(num, more)| *num = num.saturating_add(*more));
    }

    /// NaN where there was none.
    fn values(&self) -> Vec<f32> {
        self.sums.iter().zip(&self.nums).map(|(sum, num)| sum / f32::from(*num)).collect()
    }
}
