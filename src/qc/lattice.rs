//! The voxels that are followed through time: every k-th along y and x, k as small as the room for them allows.

use serde::{Deserialize, Serialize};

use super::Values;

/// Voxels of a volume that are followed, at most: what is kept of them stays below some 20 MB.
const MOST_OF_VOLUME: usize = 1 << 19;
/// Pixels of the picture of one plane, at most.
const MOST_OF_PICTURE: usize = 1 << 20;

/// Some voxels of a plane, in rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lattice {
    plane: [usize; 2],
    step: [usize; 2],
    is_sheared: bool,
}

impl Lattice {
    /// Those of every plane. From row to row they begin elsewhere, so that what comes in columns, as the noise of a
    /// camera does, is met everywhere.
    pub fn of_volume(plane: [usize; 2], num_z: usize) -> Self {
        Self::new(plane, MOST_OF_VOLUME / num_z.max(1), true)
    }

    /// Those of a picture.
    pub fn of_picture(plane: [usize; 2]) -> Self {
        Self::new(plane, MOST_OF_PICTURE, false)
    }

    fn new(plane: [usize; 2], most: usize, is_sheared: bool) -> Self {
        let of = |k: usize| Self { plane, step: plane.map(|len| k.min(len).max(1)), is_sheared };
        let largest = plane[0].max(plane[1]).max(1);
        (1..largest).map(of).find(|lattice| lattice.len() <= most).unwrap_or_else(|| of(largest))
    }

    /// Its rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        [self.plane[0] / self.step[0], self.plane[1] / self.step[1]]
    }

    /// Its voxels in one plane.
    pub fn len(&self) -> usize {
        let [rows, columns] = self.shape();
        rows * columns
    }

    /// Voxels of the plane from one of its own to the next, along the axis where they are furthest apart.
    pub fn step(&self) -> usize {
        self.step[0].max(self.step[1])
    }

    /// Whether it has every voxel.
    pub fn is_dense(&self) -> bool {
        self.step() == 1
    }

    /// Its voxels of a plane, which are copied where it has not every one.
    pub fn pick<'a>(&self, values: Values<'a>, room: &'a mut Room) -> Values<'a> {
        match values {
            _ if self.is_dense() => values,
            Values::Codes { codes, base } => {
                self.gather(codes, &mut room.codes);
                Values::Codes { codes: &room.codes, base }
            }
            Values::Reals(values) => {
                self.gather(values, &mut room.reals);
                Values::Reals(&room.reals)
            }
        }
    }

    fn gather<T: Copy>(&self, plane: &[T], picked: &mut Vec<T>) {
        let [rows, columns] = self.shape();
        let [down, along] = self.step;
        picked.clear();
        for row in 0..rows {
            let shear = if self.is_sheared { row % along } else { along / 2 };
            let begin = (row * down + down / 2) * self.plane[1];
            let line = plane.get(begin..begin + self.plane[1]).unwrap_or_default();
            picked.extend(line.iter().skip(shear).step_by(along).take(columns));
        }
    }
}

/// Where the voxels of a plane are copied to. Reused from plane to plane.
#[derive(Default)]
pub struct Room {
    codes: Vec<u16>,
    reals: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_planes_are_followed_whole_and_large_ones_within_the_room() {
        assert!(Lattice::of_volume([512, 512], 1).is_dense());
        assert!(Lattice::of_volume([8, 8], 40).is_dense());
        for (plane, num_z) in [([512, 512], 30), ([1024, 1024], 20), ([10_000, 10_000], 40), ([1, 3_000_000], 1)] {
            let lattice = Lattice::of_volume(plane, num_z);
            let num = lattice.len() * num_z;
            assert!((MOST_OF_VOLUME / 2..=MOST_OF_VOLUME).contains(&num), "{plane:?} × {num_z}: {num}");
        }
        assert_eq!(Lattice::of_volume([512, 512], 30).step(), 4);
        assert_eq!(Lattice::of_volume([0, 7], 0).len(), 0);
    }

    #[test]
    fn its_voxels_are_of_every_column() {
        let lattice = Lattice { plane: [9, 8], step: [2, 3], is_sheared: true };
        let codes: Vec<u16> = (0..72).collect();
        let mut room = Room::default();
        let Values::Codes { codes, .. } = lattice.pick(Values::Codes { codes: &codes, base: 0 }, &mut room) else {
            panic!("integers stay integers");
        };
        assert_eq!(codes, [8, 11, 25, 28, 42, 45, 56, 59]);
        assert_eq!(lattice.shape(), [4, 2]);
    }
}
