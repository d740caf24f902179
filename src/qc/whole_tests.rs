//! Volumes that move, slip, sink and go missing, from their voxels to what is said of each of them.

use super::motion::tests::Random;
use super::*;

/// A block of tissue: blobs in space, seen by planes three apart.
struct Tissue {
    shape: [usize; 3],
    blobs: Vec<[f64; 4]>,
    noise: Random,
}

/// How a volume is displaced, (z, y, x); by how many planes it slipped, and how bright it is.
#[derive(Clone, Copy)]
struct Pose {
    at: [f64; 3],
    slip: usize,
    light: f64,
}

const STILL: Pose = Pose { at: [0.0; 3], slip: 0, light: 1.0 };

impl Tissue {
    fn new(shape: [usize; 3]) -> Self {
        let mut places = Random(5);
        let extent = [shape[0] as f64 + 6.0, shape[1] as f64, shape[2] as f64];
        let num = shape.iter().product::<usize>() / 120;
        let blob = |_| {
            let [z, y, x] = extent.map(|len| places.next() * len);
            [z - 3.0, y, x, 30.0 + 100.0 * places.next()]
        };
        Self { shape, blobs: (0..num).map(blob).collect(), noise: Random(9) }
    }

    /// Counts of a camera with an offset of 100, in the noise of photons.
    fn volume(&mut self, pose: Pose) -> Vec<u16> {
        let [num_z, num_y, num_x] = self.shape;
        let mut volume = vec![15.0; num_z * num_y * num_x];
        for [z, y, x, height] in &self.blobs {
            let [z, y, x] = [z - pose.at[0], y + pose.at[1], x + pose.at[2]];
            let near = |c: f64, far: i64, num: usize| {
                let from = |i: i64| (c.round() as i64 + i).clamp(0, num as i64) as usize;
                from(-far)..from(far + 1)
            };
            for (i, j) in near(y, 5, num_y).flat_map(|i| near(x, 5, num_x).map(move |j| (i, j))) {
                let wide = (-((i as f64 - y).powi(2) + (j as f64 - x).powi(2)) / (2.0 * 1.4 * 1.4)).exp();
                for plane in near(z, 4, num_z) {
                    volume[(plane * num_y + i) * num_x + j] +=
                        height * wide * (-(plane as f64 - z).powi(2) / 2.0).exp();
                }
            }
        }
        volume.rotate_left(pose.slip * num_y * num_x);
        let noise = &mut self.noise;
        volume.iter().map(|v| v * pose.light).map(|v| (100.0 + v + (v + 4.0).sqrt() * noise.normal()) as u16).collect()
    }

    fn subject(&self, num_t: usize) -> Subject {
        let [z, y, x] = self.shape;
        let shape = [num_t, z, y, x];
        Subject { shape, dtype: DType::U16, rate_hz: None, voxel_um: None, planned_t: None, times_s: None }
    }

    fn measure(&mut self, poses: &[Pose]) -> Vec<Row> {
        let volumes: Vec<_> = poses.iter().map(|pose| self.volume(*pose)).collect();
        let shape = [self.shape[1], self.shape[2]];
        measure(&self.subject(poses.len()), &volumes.iter().map(|v| planes(v, shape)).collect::<Vec<_>>(), usize::MAX)
    }
}

fn planes(volume: &[u16], shape: [usize; 2]) -> Vec<Plane<'_>> {
    let plane = |codes| Plane { shape, values: Some(Values::Codes { codes, base: 0 }) };
    volume.chunks_exact(shape[0] * shape[1]).map(plane).collect()
}

/// Prepares and sweeps, the planes of a volume in slabs of so many.
fn measure(subject: &Subject, volumes: &[Vec<Plane<'_>>], slab: usize) -> Vec<Row> {
    let wanted: Codes = [Code::Motion, Code::ZDrift, Code::PlaneSlip].into_iter().collect();
    let mut preparation = Preparation::new(subject, wanted);
    for (t, volume) in volumes.iter().take(REFERENCE_VOLUMES).enumerate() {
        preparation.planes(t, 0, volume);
        preparation.end();
    }
    let mut measurer = Measurer::new(subject, Some(preparation.finish()), wanted);
    let row = |volume: &Vec<Plane<'_>>| {
        let slab = slab.min(volume.len());
        volume.chunks(slab).enumerate().for_each(|(i, planes)| measurer.planes(i * slab, planes, None));
        measurer.end()
    };
    volumes.iter().map(row).collect()
}

#[test]
fn a_drift_in_the_plane_is_followed_within_a_tenth_of_a_pixel() {
    let poses: Vec<_> = (0..26).map(|t| Pose { at: [0.0, 0.3 * t as f64, -0.07 * t as f64], ..STILL }).collect();
    for (t, row) in Tissue::new([6, 96, 88]).measure(&poses).iter().enumerate() {
        let [dy, dx] = row.volume.shift.map(f64::from);
        let [_, y, x] = poses[t].at;
        assert!((dy - y).abs() < 0.1 && (dx - x).abs() < 0.1, "t {t}: ({dy}, {dx}), not ({y}, {x})");
        assert!(row.volume.z_drift.abs() < 0.25 && row.volume.slip == 0.0, "t {t}: {:?}", row.volume);
    }
}

#[test]
fn planes_that_slip_do_so_at_the_exact_volume_and_in_either_direction() {
    let slips = |t| {
        if t < 15 {
            [0, 0]
        } else if t < 20 {
            [1, 1]
        } else {
            [7, -2]
        }
    };
    let poses: Vec<_> = (0..24).map(|t| Pose { slip: slips(t)[0] as usize, ..STILL }).collect();
    for (t, row) in Tissue::new([9, 64, 64]).measure(&poses).iter().enumerate() {
        assert_eq!(row.volume.slip, slips(t)[1] as f32, "t {t}");
        assert!(row.volume.shift[0].abs() < 0.2, "the maximum along z stays: {:?}", row.volume);
    }
}

#[test]
fn tissue_that_sinks_is_followed_and_is_no_slip() {
    let poses: Vec<_> = (0..30).map(|t| Pose { at: [0.08 * t as f64, 0.0, 0.0], ..STILL }).collect();
    let rows = Tissue::new([12, 64, 64]).measure(&poses);
    let start = 0.08 * 4.5;
    for (t, row) in rows.iter().enumerate() {
        let expected = poses[t].at[0] - start;
        let found = f64::from(row.volume.z_drift);
        assert!((found - expected).abs() < 0.25, "t {t}: {found}, not {expected}");
        assert_eq!(row.volume.slip, 0.0, "t {t}");
    }
}

#[test]
fn a_first_volume_without_light_spoils_nothing() {
    let mut poses = vec![STILL; 14];
    poses[0].light = 0.0;
    poses[12].at = [0.0, 3.0, -2.0];
    let rows = Tissue::new([5, 64, 64]).measure(&poses);
    assert!(rows[0].volume.shift[0].is_nan(), "{:?}", rows[0].volume);
    let [dy, dx] = rows[12].volume.shift;
    assert!((dy - 3.0).abs() < 0.1 && (dx + 2.0).abs() < 0.1, "{dy} {dx}");
    assert!(rows[5].volume.shift[0].abs() < 0.1 && rows[5].volume.slip == 0.0);
}

#[test]
fn slabs_and_reals_give_the_same_and_missing_planes_are_left_out() {
    let mut tissue = Tissue::new([6, 64, 60]);
    let volumes: Vec<_> = (0..13).map(|t| tissue.volume(Pose { at: [0.0, 0.1 * t as f64, 0.0], ..STILL })).collect();
    let shape = [64, 60];
    let subject = tissue.subject(13);
    let as_codes: Vec<_> = volumes.iter().map(|v| planes(v, shape)).collect();
    let whole = measure(&subject, &as_codes, usize::MAX);
    assert_eq!(format!("{:?}", measure(&subject, &as_codes, 4)), format!("{whole:?}"));
    let reals: Vec<Vec<f64>> = volumes.iter().map(|v| v.iter().map(|code| f64::from(*code)).collect()).collect();
    let plane = |values| Plane { shape, values: Some(Values::Reals(values)) };
    let mut as_reals: Vec<Vec<_>> = reals.iter().map(|v| v.chunks_exact(64 * 60).map(plane).collect()).collect();
    for (a, b) in measure(&subject, &as_reals, usize::MAX).iter().zip(&whole) {
        assert_eq!(format!("{:?}", a.volume), format!("{:?}", b.volume));
    }
    as_reals[10][2].values = None;
    as_reals[11].iter_mut().for_each(|plane| plane.values = None);
    let rows = measure(&subject, &as_reals, usize::MAX);
    assert!((rows[10].volume.shift[0] - 1.0).abs() < 0.15 && rows[10].volume.slip == 0.0, "{:?}", rows[10].volume);
    assert_eq!(format!("{:?}", rows[11].volume), format!("{:?}", VolumeRow::UNKNOWN));
    assert_eq!(format!("{:?}", rows[12].volume), format!("{:?}", whole[12].volume));
}

#[test]
fn what_is_too_small_or_has_no_content_has_no_measures() {
    for shape in [[1, 8, 8], [3, 8, 8], [1, 1, 1], [4, 0, 3], [4, 3, 0], [5, 40, 1], [2, 30, 30]] {
        for value in [0, 77] {
            let volume = vec![value; shape.iter().product()];
            let tissue = Tissue { shape, blobs: Vec::new(), noise: Random(0) };
            let plane_shape = [shape[1], shape[2]];
            let planes = || match volume.len() {
                0 => vec![Plane { shape: plane_shape, values: Some(Values::Codes { codes: &[], base: 0 }) }; shape[0]],
                _ => planes(&volume, plane_shape),
            };
            for row in measure(&tissue.subject(3), &[planes(), planes(), planes()], usize::MAX) {
                assert_eq!(format!("{:?}", row.volume), format!("{:?}", VolumeRow::UNKNOWN), "{shape:?}");
                assert!(row.planes.iter().all(|plane| plane.focus.is_nan() && plane.stripes.is_nan()));
            }
        }
    }
    let mut tissue = Tissue::new([1, 64, 64]);
    let row = &tissue.measure(&[STILL; 3])[2];
    assert!(row.volume.shift[0].abs() < 0.1 && row.volume.slip.is_nan() && row.volume.z_drift.is_nan());
}
