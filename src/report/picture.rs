//! Pictures that lie in the page itself: PNG as an address, for the pictures of a plane and the z × t map.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::axis::Axis;
use super::traces::median;
use crate::qc::{Pictures, Report};
use crate::volume::{Colormap, Lut};

/// Pixels of the longer side of a picture, at most: twice of what a page shows.
const MAX_SIDE: usize = 720;

/// Values in rows.
pub struct Raster {
    /// Rows and columns.
    pub shape: [usize; 2],
    /// In C order; NaN is transparent.
    pub values: Vec<f64>,
    /// Values of the lower and the upper end of the colours.
    pub range: [f64; 2],
}

impl Raster {
    /// One of the pictures of a plane, small enough for a page. `shares` are the shares of its values that lie
    /// below the lower and the upper end of the colours.
    pub fn of(pictures: &Pictures, values: &[f32], shares: [f64; 2]) -> Option<Self> {
        let [ny, nx] = pictures.shape;
        if ny == 0 || nx == 0 || values.len() != ny * nx {
            return None;
        }
        let step = ny.max(nx).div_ceil(MAX_SIDE);
        let shape = [ny.div_ceil(step), nx.div_ceil(step)];
        let cell = |i: usize| {
            let (y0, x0) = (i / shape[1] * step, i % shape[1] * step);
            let inside = (y0..(y0 + step).min(ny)).flat_map(|y| (x0..(x0 + step).min(nx)).map(move |x| y * nx + x));
            let there = inside.map(|at| f64::from(values[at])).filter(|value| value.is_finite());
            let (sum, num) = there.fold((0.0, 0.0), |(sum, num), value| (sum + value, num + 1.0));
            sum / num
        };
        let values: Vec<f64> = (0..shape[0] * shape[1]).map(cell).collect();
        let range = range_of(&values, shares);
        Some(Self { shape, values, range })
    }

    /// As the address of a PNG in 256 steps of a gradient.
    pub fn address(&self, colormap: Colormap) -> String {
        let lut: &Lut = &colormap.lut();
        let [low, high] = self.range;
        let scale = if high > low { 255.0 / (high - low) } else { 0.0 };
        let step = |value: &f64| ((value - low) * scale).round().clamp(0.0, 255.0) as usize;
        let is_gray = colormap == Colormap::Gray && self.values.iter().all(|value| value.is_finite());
        let (bytes, color): (Vec<u8>, _) = if is_gray {
            (self.values.iter().map(|value| lut[step(value)][0]).collect(), ExtendedColorType::L8)
        } else {
            let pixel = |value: &f64| if value.is_finite() { lut[step(value)] } else { [0; 4] };
            (self.values.iter().flat_map(pixel).collect(), ExtendedColorType::Rgba8)
        };
        address(&bytes, self.shape, color)
    }
}

fn address(bytes: &[u8], shape: [usize; 2], color: ExtendedColorType) -> String {
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    // Into memory, of a shape that fits: it cannot fail, and a page without it is still one.
    let _ = encoder.write_image(bytes, shape[1] as u32, shape[0] as u32, color);
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// The values below which so many of them lie.
fn range_of(values: &[f64], shares: [f64; 2]) -> [f64; 2] {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    shares.map(|share| {
        let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
        sorted.get(at).copied().unwrap_or(0.0)
    })
}

/// The z × t map of the mean intensity, in so many columns at most. A column that holds volumes which are not
/// usable shows those, so that none of them is averaged away.
pub fn map(report: &Report, axis: &Axis, max_columns: usize) -> Raster {
    let num = axis.num_t().min(max_columns).max(1);
    let num_z = report.table.num_z().max(1);
    let is_lost = lost_flags(report);
    let mut values = vec![f64::NAN; num * num_z];
    for i in 0..num {
        let edge = |i: usize| axis.range[0] + i * axis.num_t() / num;
        let range = edge(i)..edge(i + 1);
        let lost: Vec<usize> = range.clone().filter(|t| is_lost.get(*t) == Some(&true)).collect();
        let shown: Vec<usize> = if lost.is_empty() { range.collect() } else { lost };
        for z in 0..num_z {
            let there = shown.iter().filter_map(|t| report.table.plane(*t, z)).map(|plane| f64::from(plane.mean));
            let (sum, count) = there.filter(|mean| mean.is_finite()).fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
            values[z * num + i] = sum / count;
        }
    }
    let range = map_range(&values, num);
    Raster { shape: [num_z, num], values, range }
}

/// Colours of a map: from the darkest to the brightest plane as they usually are, so that a dark stretch does not
/// take the colours of all others.
fn map_range(values: &[f64], num_columns: usize) -> [f64; 2] {
    let usual = values.chunks(num_columns).map(|plane| median(plane.to_vec())).filter(|value| value.is_finite());
    let (low, high) = usual.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if !low.is_finite() {
        return [0.0, 1.0];
    }
    let [rare_low, rare_high] = range_of(values, [0.02, 0.98]);
    // One plane, or planes that are all alike: the change over time is all there is to see.
    let margin = ((high - low) * 0.05).max(high.abs() * 0.01);
    [low.min(rare_low.max(low - 4.0 * margin)) - margin * 0.2, high.max(rare_high.min(high + 4.0 * margin))]
}

/// For each timepoint, whether it does not count as usable.
pub fn lost_flags(report: &Report) -> Vec<bool> {
    let mut flags = vec![false; report.table.num_t()];
    for [from, to] in &report.lost {
        let end = (*to).min(flags.len());
        flags[(*from).min(end)..end].fill(true);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(address: &str) -> image::RgbaImage {
        let png = STANDARD.decode(address.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        image::load_from_memory(&png).unwrap().to_rgba8()
    }

    #[test]
    fn a_picture_keeps_its_values_and_what_is_not_there_is_transparent() {
        let values = vec![0.0, 10.0, f64::NAN, 20.0];
        let raster = Raster { shape: [2, 2], values, range: [0.0, 20.0] };
        let picture = pixels(&raster.address(Colormap::Gray));
        assert_eq!(picture.get_pixel(1, 0).0, [128, 128, 128, 255]);
        assert_eq!(picture.get_pixel(0, 1).0[3], 0);
        assert_eq!(picture.get_pixel(1, 1).0, [255; 4]);
    }

    #[test]
    fn a_large_plane_is_made_small_by_its_mean_and_a_hot_pixel_does_not_darken_the_rest() {
        let shape = [1500, 10];
        let mut mean: Vec<f32> = (0..15_000).map(|i| (i / 10) as f32).collect();
        mean[0] = 1e6;
        let pictures = Pictures { z: 0, shape, step: 1, tsnr: Vec::new(), enhanced: Vec::new(), mean: mean.clone() };
        let raster = Raster::of(&pictures, &mean, [0.01, 0.99]).unwrap();
        assert_eq!(raster.shape, [500, 4]);
        assert_eq!(raster.values[4 * 100], 301.0);
        assert!(raster.range[1] < 1500.0, "{:?}", raster.range);
        assert!(Raster::of(&pictures, &[], [0.0, 1.0]).is_none(), "a picture that was not made");
    }
}
