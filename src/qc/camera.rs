//! What the camera and the light give over the whole recording: full scale, offset, gain, noise, tSNR, each with
//! the reason where it cannot be had.

use super::{Code, Figures, References, State, Subject, Table, noise, photon_gain, saturation, tsnr};

impl Figures {
    /// Fills in these figures.
    pub(super) fn add_camera(
        &mut self,
        subject: &Subject,
        references: Option<&References>,
        table: &Table,
        state: &State,
    ) {
        let num_voxels = subject.plane_shape().iter().product();
        self.full_scale = self.noted(Code::Saturation, saturation::full_scale(table, subject.dtype, num_voxels));
        let Some(references) = references else {
            for code in [Code::Underexposed, Code::PhotonGain, Code::Noise, Code::Tsnr] {
                self.notes.insert(code, "the first volumes have not been looked at yet".to_owned());
            }
            return;
        };
        self.offset = Some(references.offset).filter(|offset| offset.is_finite());
        let read_noise = match self.offset {
            None => Err("the first volumes hold no value".to_owned()),
            Some(_) => references.read_noise.ok_or_else(|| {
                "the read noise does not show: the darkest voxels never change, or there is one volume".to_owned()
            }),
        };
        self.read_noise = self.noted(Code::Underexposed, read_noise);
        let wanted = |code| if state.wanted.has(code) { Ok(()) } else { Err("was not asked for".to_owned()) };
        let gain = wanted(Code::PhotonGain).and_then(|()| photon_gain::of(references, state, self.full_scale));
        self.photon_gain = self.noted(Code::PhotonGain, gain);
        let nu = wanted(Code::Noise).and_then(|()| noise::of(subject, references, state));
        self.noise = self.noted(Code::Noise, nu);
        let ratios = wanted(Code::Tsnr).and_then(|()| tsnr::of(references, state));
        self.tsnr = self.noted(Code::Tsnr, ratios);
        if !references.lattice.is_dense() {
            let step = references.lattice.step();
            for (code, is_had) in [
                (Code::PhotonGain, self.photon_gain.is_some()),
                (Code::Noise, self.noise.is_some()),
                (Code::Tsnr, self.tsnr.is_some()),
            ] {
                if is_had {
                    self.notes.insert(code, format!("of every {step}th voxel along y and x"));
                }
            }
        }
    }

    /// A figure, or the reason among the notes.
    pub(super) fn noted<T>(&mut self, code: Code, figure: Result<T, String>) -> Option<T> {
        figure.map_err(|reason| self.notes.insert(code, reason)).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::qc::{Codes, Measurer, Plane, Preparation, REFERENCE_VOLUMES, Values};
    use crate::volume::DType;

    const NUM_T: usize = 60;
    const SHAPE: [usize; 4] = [NUM_T, 2, 48, 64];
    const LEN: usize = SHAPE[2] * SHAPE[3];
    const OFFSET: f64 = 100.0;
    const READ_NOISE: f64 = 2.0;

    /// Normal deviates, seeded.
    struct Noise(u64);

    impl Noise {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        }

        fn next(&mut self) -> f64 {
            (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
        }
    }

    /// A tenth without light, the rest with 10 to 4,000 photons.
    fn recording(gain: f64) -> Vec<[Vec<u16>; 2]> {
        let mut noise = Noise(7);
        let photons =
            |i: usize| if i.is_multiple_of(10) { 0.0 } else { 10.0 + 3990.0 * (i as f64 / LEN as f64).powi(2) };
        let mut plane = |i: usize| {
            let light = photons(i) + photons(i).sqrt() * noise.next();
            (OFFSET + gain * light + READ_NOISE * noise.next()).round().clamp(0.0, 65_535.0) as u16
        };
        (0..NUM_T).map(|_| std::array::from_fn(|_| (0..LEN).map(&mut plane).collect())).collect()
    }

    fn subject(dtype: DType) -> Subject {
        Subject { shape: SHAPE, dtype, rate_hz: Some(4.0), voxel_um: None, planned_t: None, times_s: None }
    }

    type Volume<'a> = [Values<'a>; 2];

    fn planes<'a>(volume: &Volume<'a>) -> [Plane<'a>; 2] {
        volume.map(|values| Plane { shape: [SHAPE[2], SHAPE[3]], values: Some(values) })
    }

    fn measured(volumes: &[Volume<'_>], dtype: DType, cuts: &[usize]) -> (Figures, State) {
        let subject = subject(dtype);
        let mut preparation = Preparation::new(&subject, Codes::ALL);
        for (t, volume) in volumes.iter().take(REFERENCE_VOLUMES).enumerate() {
            preparation.planes(t, 0, &planes(volume));
            preparation.end();
        }
        let references = preparation.finish();
        let (mut table, mut state) = (Table::new(volumes.len(), 2), State::default());
        for part in cuts.windows(2) {
            let mut measurer = Measurer::new(&subject, Some(Arc::clone(&references)), Codes::ALL);
            for t in part[0]..part[1] {
                let before = t.checked_sub(1).map(|t| planes(&volumes[t]));
                measurer.planes(0, &planes(&volumes[t]), before.as_ref().map(|planes| &planes[..]));
                table.set(t, measurer.end());
            }
            state.merge(measurer.state());
        }
        (Figures::of(&subject, Some(&references), &table, &state), state)
    }

    fn of_codes(volumes: &[[Vec<u16>; 2]], cuts: &[usize]) -> (Figures, State) {
        let values = |codes| Values::Codes { codes, base: 0 };
        let volumes: Vec<Volume<'_>> = volumes.iter().map(|[a, b]| [values(a), values(b)]).collect();
        measured(&volumes, DType::U16, cuts)
    }

    fn of_reals(volumes: &[[Vec<u16>; 2]], factor: f64) -> Figures {
        let reals = |codes: &Vec<u16>| codes.iter().map(|code| f64::from(*code) * factor).collect::<Vec<f64>>();
        let volumes: Vec<[Vec<f64>; 2]> = volumes.iter().map(|[a, b]| [reals(a), reals(b)]).collect();
        let volumes: Vec<Volume<'_>> = volumes.iter().map(|[a, b]| [Values::Reals(a), Values::Reals(b)]).collect();
        measured(&volumes, DType::F32, &[0, NUM_T]).0
    }

    fn assert_near(value: f64, expected: f64, share: f64) {
        assert!((value / expected - 1.0).abs() <= share, "{value} for {expected}");
    }

    #[test]
    fn what_was_planted_is_found() {
        for gain in [0.42, 2.5] {
            let volumes = recording(gain);
            let (figures, _) = of_codes(&volumes, &[0, NUM_T]);
            let photons = figures.photon_gain.expect("range enough");
            assert_near(photons.gain, gain, 0.05);
            // Where the line meets zero: below the offset by what read noise and rounding add.
            let zero = OFFSET - (READ_NOISE.powi(2) + 1.0 / 12.0) / gain;
            assert!((photons.zero - zero).abs() < 0.01 * 4000.0 * gain, "{} for {zero}", photons.zero);
            assert_near(figures.read_noise.expect("it shows"), READ_NOISE, 0.1);
            assert_near(figures.offset.expect("it shows"), OFFSET, 0.1);
            assert!(!figures.full_scale.expect("integers have one").is_detected);
            // Mean over deviation, and change over light, of every voxel by the book.
            let voxel = |z: usize, i: usize| volumes.iter().map(move |planes| f64::from(planes[z][i]));
            let mean = |z, i| voxel(z, i).sum::<f64>() / NUM_T as f64;
            let ratio = |z, i| {
                let mean = mean(z, i);
                mean / (voxel(z, i).map(|v| (v - mean).powi(2)).sum::<f64>() / NUM_T as f64).sqrt()
            };
            let least = figures.offset.unwrap() + 3.0 * figures.read_noise.unwrap();
            let lit = (0..LEN).filter(|i| mean(1, *i) >= least).map(|i| ratio(1, i));
            assert_near(figures.tsnr.expect("it changes")[1], tsnr::median(lit), 1e-9);
            let nu = |(z, i)| {
                let changes = voxel(z, i).zip(voxel(z, i).skip(1)).map(|(a, b)| (a - b).abs());
                tsnr::median(changes) / (mean(z, i) - figures.offset.unwrap())
            };
            let mut bright: Vec<(usize, usize)> = (0..2).flat_map(|z| (0..LEN).map(move |i| (z, i))).collect();
            bright.sort_by(|a, b| mean(b.0, b.1).total_cmp(&mean(a.0, a.1)));
            let expected = tsnr::median(bright[..LEN / 5].iter().copied().map(nu)) * 100.0 / 2.0;
            assert_near(figures.noise.expect("it shows"), expected, 0.01);
        }
    }

    #[test]
    fn any_cut_gives_the_same() {
        let volumes = recording(1.0);
        let one = of_codes(&volumes, &[0, NUM_T]);
        assert_eq!(one, of_codes(&volumes, &[0, 1, 17, 43, NUM_T]));
    }

    #[test]
    fn reals_give_what_integers_give_in_their_own_unit() {
        let volumes = recording(1.0);
        let (codes, _) = of_codes(&volumes, &[0, NUM_T]);
        for (factor, tolerance) in [(1.0, 1e-9), (1.0 / 65_536.0, 0.02)] {
            let reals = of_reals(&volumes, factor);
            assert_near(reals.photon_gain.unwrap().gain, codes.photon_gain.unwrap().gain * factor, tolerance);
            assert_near(reals.read_noise.unwrap(), codes.read_noise.unwrap() * factor, tolerance);
            assert_near(reals.noise.unwrap(), codes.noise.unwrap(), 0.02);
            assert_near(reals.tsnr.unwrap()[0], codes.tsnr.as_ref().unwrap()[0], tolerance);
            assert!(reals.full_scale.is_none() && reals.notes.contains_key(&Code::Saturation));
        }
    }

    #[test]
    fn what_cannot_be_had_is_nothing_with_a_reason() {
        let one = vec![Values::Reals(&[f64::NAN; LEN]); 2];
        let constant = vec![Values::Codes { codes: &[9; LEN], base: -32_768 }; 2];
        for (values, dtype) in [(one, DType::F64), (constant, DType::I16)] {
            let volumes = [[values[0], values[1]]; 3];
            for num_t in 0..3 {
                let (figures, _) = measured(&volumes[..num_t], dtype, &[0, num_t]);
                assert_eq!((&figures.tsnr, figures.photon_gain, figures.noise), (&None, None, None));
                assert_eq!(figures.read_noise, None);
                for code in [Code::Tsnr, Code::PhotonGain, Code::Noise, Code::Underexposed] {
                    assert!(!figures.notes[&code].is_empty());
                }
            }
        }
    }
}
