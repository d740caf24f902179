//! The renderer against its twin on the CPU: colours, filtering, hatch, projections, budgets, and that
//! scrubbing through cached data makes no GPU objects.
//!
//! Draws on a software adapter where there is one; without any adapter the tests say so and pass.

use std::sync::{Arc, OnceLock};

use egui_wgpu::RenderState;
use tectum::render::{
    Drawn, GpuConfig, KeptWindow, OffscreenTarget, PlaneDraw, RendererHandle, Tile, Wanted, WantedTile, canvas_shape,
    headless, install,
};
use tectum::volume::{
    Blend, Buffer, Colormap, DType, Display, Interpolation, LayerId, NotFolded, Orientation, Picture, PictureKey, Pool,
    Projection, Region, Shape, TileIndex, ViewId, VolumeFold, Voxels, project_for_display,
};

/// One device for all tests; opening one takes longer than most of them.
fn state() -> Option<RenderState> {
    state_for(|state| state.target_format)
}

fn state_for(format: impl Fn(&RenderState) -> wgpu::TextureFormat) -> Option<RenderState> {
    static STATE: OnceLock<Option<RenderState>> = OnceLock::new();
    let state = STATE.get_or_init(|| match headless(true) {
        Ok(state) => Some(state),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    });
    // Each test has an egui renderer of its own, for its counters.
    state.clone().map(|state| {
        let options = egui_wgpu::RendererOptions::PREDICTABLE;
        let target_format = format(&state);
        let renderer = egui_wgpu::Renderer::new(&state.device, target_format, options);
        RenderState { renderer: Arc::new(egui::mutex::RwLock::new(renderer)), target_format, ..state }
    })
}

/// What all pictures of these tests are called, but where it matters.
const KEY: PictureKey = PictureKey {
    tile: None,
    layer: LayerId::numbered(1),
    level: 0,
    picture: Picture::Plane { t: 0, orientation: Orientation::Xy, index: 0 },
};

/// A picture to be drawn, and where and how.
#[derive(Clone)]
struct Draw {
    key: PictureKey,
    voxels: Arc<Voxels>,
    image_px: [f32; 4],
    display: Display,
    is_preview: bool,
}

impl Draw {
    fn placed(&self, drawn: Drawn) -> PlaneDraw {
        let Self { image_px, display, is_preview, .. } = *self;
        PlaneDraw { drawn, image_px, display, is_preview }
    }
}

/// A canvas that fills its window.
struct Stage {
    target: OffscreenTarget,
    ctx: egui::Context,
    handle: RendererHandle,
    size: [u32; 2],
}

impl Stage {
    fn new(size: [u32; 2], config: GpuConfig) -> Option<Self> {
        Self::with_state(state()?, size, config)
    }

    fn with_state(state: RenderState, size: [u32; 2], config: GpuConfig) -> Option<Self> {
        let handle = install(&state, config);
        let target = OffscreenTarget::with_state(state, size[0], size[1], 1.0).expect("a small image");
        Some(Self { target, ctx: egui::Context::default(), handle, size })
    }

    fn draw(&self, draws: Vec<Draw>) -> image::RgbaImage {
        self.draw_in(self.target.screen_rect(), draws)
    }

    fn draw_in(&self, rect: egui::Rect, draws: Vec<Draw>) -> image::RgbaImage {
        self.draw_views(&[(ViewId(0), rect, draws)]).0
    }

    /// Draws a frame of several views, and what the renderer answered for each draw.
    fn draw_views(&self, views: &[(ViewId, egui::Rect, Vec<Draw>)]) -> (image::RgbaImage, Vec<Option<Drawn>>) {
        let mut answers = Vec::new();
        let output = self.ctx.run_ui(self.target.raw_input(0.0), |ui| {
            answers.clear();
            for (view, rect, draws) in views {
                let drawn = self.show(ui.ctx(), *view, draws);
                let placed = draws.iter().zip(&drawn).filter_map(|(draw, drawn)| Some(draw.placed((*drawn)?)));
                ui.painter().add(canvas_shape(*rect, placed.collect()));
                answers.extend(drawn);
            }
        });
        let image = self.target.paint(&self.ctx, output).expect("painting");
        assert_eq!(self.handle.stats().problem, None);
        (image, answers)
    }

    /// Draws a frame of tiles of one picture.
    fn draw_tiles(
        &self,
        tiles: &[WantedTile],
        image_px: [f32; 4],
        display: Display,
    ) -> (image::RgbaImage, Vec<Option<Drawn>>) {
        let mut answers = Vec::new();
        let output = self.ctx.run_ui(self.target.raw_input(0.0), |ui| {
            answers = self.handle.show_tiles(ui.ctx(), ViewId(0), tiles);
            let draw = |drawn: &Drawn| PlaneDraw { drawn: *drawn, image_px, display, is_preview: false };
            let draws = answers.iter().flatten().map(draw).collect();
            ui.painter().add(canvas_shape(self.target.screen_rect(), draws));
        });
        let image = self.target.paint(&self.ctx, output).expect("painting");
        assert_eq!(self.handle.stats().problem, None);
        (image, answers)
    }

    fn show(&self, ctx: &egui::Context, view: ViewId, draws: &[Draw]) -> Vec<Option<Drawn>> {
        let wanted = |draw: &Draw| Wanted { key: draw.key, voxels: draw.voxels.clone() };
        self.handle.show(ctx, view, &draws.iter().map(wanted).collect::<Vec<_>>())
    }

    /// Folds on the device, as often as it likes.
    fn fold(
        &self,
        volume: &Voxels,
        orientation: Orientation,
        slab: [usize; 2],
        op: Projection,
    ) -> Result<Arc<Voxels>, NotFolded> {
        self.handle.fold(&volume_fold(volume, orientation, slab, op), &|| true).map(Arc::new)
    }

    /// Draws one plane over the whole window.
    fn fill(&self, voxels: &Arc<Voxels>, display: Display) -> image::RgbaImage {
        let image_px = [0.0, 0.0, self.size[0] as f32, self.size[1] as f32];
        self.draw(vec![Draw { key: KEY, voxels: voxels.clone(), image_px, display, is_preview: false }])
    }
}

fn volume_fold(volume: &Voxels, orientation: Orientation, slab: [usize; 2], op: Projection) -> VolumeFold<'_> {
    let &[z, y, x] = volume.shape().dims() else { panic!("a volume") };
    let (id, dtype, dims) = (volume.id(), volume.dtype(), [z, y, x]);
    VolumeFold { volume: id, voxels: Some(volume), dtype, dims, orientation, slab, op }
}

/// Deterministic noise in 0..1.
fn noise(i: usize) -> f64 {
    let mut x = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x >> 11) as f64 / (1u64 << 53) as f64
}

/// Voxels of every value a type can take, spread evenly.
fn voxels(dtype: DType, dims: &[usize], seed: usize) -> Voxels {
    let shape = Shape::new(dims).expect("small rank");
    let n = shape.num_voxels().expect("small");
    let [low, high] = dtype.integer_range().unwrap_or([-1000.0, 1000.0]);
    let mut buffer = Buffer::unpooled(n * dtype.num_bytes());
    for (i, bytes) in buffer.bytes_mut().chunks_exact_mut(dtype.num_bytes()).enumerate() {
        let value = low + noise(seed * 1_000_003 + i) * (high - low);
        match dtype {
            DType::Bool => bytes[0] = u8::from(value > 0.5),
            DType::U8 => bytes[0] = value.round() as u8,
            DType::I8 => bytes[0] = (value.round() as i8) as u8,
            DType::U16 => bytes.copy_from_slice(&(value.round() as u16).to_le_bytes()),
            DType::I16 => bytes.copy_from_slice(&(value.round() as i16).to_le_bytes()),
            DType::U32 => bytes.copy_from_slice(&(value as u32).to_le_bytes()),
            DType::I32 => bytes.copy_from_slice(&(value as i32).to_le_bytes()),
            DType::U64 => bytes.copy_from_slice(&(value as u64).to_le_bytes()),
            DType::I64 => bytes.copy_from_slice(&(value as i64).to_le_bytes()),
            DType::F16 => bytes.copy_from_slice(&half::f16::from_f64(value).to_le_bytes()),
            DType::F32 => bytes.copy_from_slice(&(value as f32).to_le_bytes()),
            DType::F64 => bytes.copy_from_slice(&value.to_le_bytes()),
        }
    }
    Voxels::new(dtype, shape, buffer, Vec::new())
}

/// The value under a pixel as the shader should find it, `None` where it should hatch; written as
/// plainly as possible.
fn twin_value(voxels: &Voxels, image_px: [f32; 4], interpolation: Interpolation, px: [u32; 2]) -> Option<f64> {
    let &[height, width] = voxels.shape().dims() else { panic!("a plane") };
    let size = [width as f64, height as f64];
    let value = |x: usize, y: usize| voxels.get_f64(&[y, x]).filter(|value| !value.is_nan());
    let scale = [0, 1].map(|i| size[i] / f64::from(image_px[2 + i]));
    let point = [0, 1].map(|i| (f64::from(px[i]) + 0.5 - f64::from(image_px[i])) * scale[i]);
    let centre = [0, 1].map(|i| (point[i].floor().max(0.0) as usize).min(size[i] as usize - 1));
    if interpolation == Interpolation::Nearest {
        return value(centre[0], centre[1]);
    }
    let is_reduced = scale.iter().any(|&s| s > 1.0);
    let (mut sum, mut weight, mut bad) = (0.0, 0.0, 0.0);
    for y in 0..height {
        for x in 0..width {
            let overlap = |i: usize, voxel: usize| {
                let reach = scale[i].max(1.0) / 2.0;
                let (low, high) = ((point[i] - reach).max(0.0), (point[i] + reach).min(size[i]));
                (high.min(voxel as f64 + 1.0) - low.max(voxel as f64)).max(0.0)
            };
            let w = overlap(0, x) * overlap(1, y);
            if w == 0.0 {
                continue;
            }
            if !voxels.is_measured(&[y, x]) && is_reduced {
                return None;
            }
            match value(x, y) {
                Some(value) => {
                    // Infinities as the largest numbers of single precision; doubles are larger anyway.
                    let is_wide = voxels.dtype() == DType::F64 && value.is_finite();
                    sum += w * if is_wide { value } else { value.clamp(-3.4e38, 3.4e38) };
                    weight += w;
                }
                None if !is_reduced && [x, y] == centre => return None,
                None if voxels.is_measured(&[y, x]) => bad += w,
                None => {}
            }
        }
    }
    (weight > bad).then(|| sum / weight)
}

/// Colours the pixel may have: that of the value and its neighbours in the table, for the rounding of
/// single precision.
fn allowed(display: &Display, dtype: DType, value: f64) -> Vec<[u8; 4]> {
    let exact = display.color(value, dtype).expect("not NaN");
    let lut = display.colormap.lut();
    let position = display.normalize(value).expect("not NaN") * 255.0;
    let around = [-0.51, 0.51].map(|d| lut[(position + d).round().clamp(0.0, 255.0) as usize]);
    vec![exact, around[0], around[1]]
}

fn compare(stage: &Stage, image: &image::RgbaImage, voxels: &Voxels, image_px: [f32; 4], display: &Display) {
    let what = format!("{} {display:?}", voxels.dtype());
    for y in 0..stage.size[1] {
        for x in 0..stage.size[0] {
            let [fx, fy] = [x as f32 + 0.5, y as f32 + 0.5];
            let [left, top, width, height] = image_px;
            let pixel = image.get_pixel(x, y).0;
            if fx < left || fy < top || fx > left + width || fy > top + height {
                assert_eq!(pixel, [0, 0, 0, 255], "{what}: outside, at {x}, {y}");
                continue;
            }
            match twin_value(voxels, image_px, display.interpolation, [x, y]) {
                None => assert!(is_hatch(pixel), "{what}: {pixel:?} is no hatch, at {x}, {y}"),
                Some(value) => {
                    let allowed = allowed(display, voxels.dtype(), value);
                    assert!(allowed.contains(&pixel), "{what}: {pixel:?} for {value}, not {allowed:?}, at {x}, {y}");
                }
            }
        }
    }
}

/// The same of layers one over another, the lowest first.
fn compare_layers(image: &image::RgbaImage, rect: egui::Rect, layers: &[Draw]) {
    let (mut num_hatched, mut num_colored) = (0, 0);
    for y in rect.min.y as u32..rect.max.y as u32 {
        for x in rect.min.x as u32..rect.max.x as u32 {
            let pixel = image.get_pixel(x, y).0;
            let mut possible = Some(vec![[0, 0, 0, 255]]);
            for Draw { voxels, image_px, display, .. } in layers {
                let [left, top, width, height] = *image_px;
                let (fx, fy) = (x as f32 + 0.5, y as f32 + 0.5);
                if fx < left || fy < top || fx > left + width || fy > top + height {
                    continue;
                }
                let is_labels = display.colormap == Colormap::Labels;
                let interpolation = if is_labels { Interpolation::Nearest } else { display.interpolation };
                possible = possible.and_then(|below| {
                    let value = twin_value(voxels, *image_px, interpolation, [x, y])?;
                    // The step of the table as single precision may round it.
                    let limits = display.limits;
                    let step = if is_labels { 0.0 } else { (limits[1] - limits[0]) / 255.0 * 0.51 };
                    let values =
                        [value - step, value, value + step].map(|v| v.clamp(limits[0].min(v), limits[1].max(v)));
                    let over = |below| {
                        values.map(|value| {
                            display.color_over(Some(below), value, voxels.dtype()).expect("of a type that has values")
                        })
                    };
                    Some(below.into_iter().flat_map(over).collect())
                });
            }
            let Some(possible) = possible else {
                num_hatched += 1;
                assert!(is_hatch(pixel), "{pixel:?} is no hatch, at {x}, {y}");
                continue;
            };
            num_colored += 1;
            let is_close = |color: &[u8; 4]| color.iter().zip(pixel).all(|(a, b)| a.abs_diff(b) <= 1);
            assert!(possible.iter().any(is_close), "{pixel:?}, not {:?}, at {x}, {y}", possible[possible.len() / 2]);
        }
    }
    assert!(num_colored > num_hatched && num_hatched > 20, "{num_colored} {num_hatched}");
}

/// Between the two colours of the hatch, which are bg2 and t3 of the look.
fn is_hatch(pixel: [u8; 4]) -> bool {
    let (back, line) = ([0x20, 0x24, 0x2a], [0x6d, 0x76, 0x83]);
    let share = (f64::from(pixel[0]) - f64::from(back[0])) / (f64::from(line[0]) - f64::from(back[0]));
    (-0.01..=1.01).contains(&share)
        && (0..3).all(|i| {
            let expected = f64::from(back[i]) + share * (f64::from(line[i]) - f64::from(back[i]));
            (expected - f64::from(pixel[i])).abs() < 1.6
        })
}

fn limits_of(dtype: DType) -> [f64; 2] {
    let [low, high] = dtype.integer_range().unwrap_or([-1000.0, 1000.0]);
    [low + 0.1 * (high - low), low + 0.8 * (high - low)]
}

#[test]
fn every_type_and_filter_has_the_twin_s_colours() {
    let Some(stage) = Stage::new([61, 47], GpuConfig::default()) else { return };
    for dtype in DType::ALL {
        let plane = Arc::new(voxels(dtype, &[13, 17], 1));
        for interpolation in Interpolation::ALL {
            // Magnified and moved, reduced in x only, reduced in both.
            for image_px in [[-7.3, 4.1, 90.0, 70.0], [3.0, 5.0, 11.3, 37.0], [20.0, 10.0, 7.9, 5.2]] {
                let display = Display {
                    limits: limits_of(dtype),
                    colormap: Colormap::Viridis,
                    interpolation,
                    ..Display::default()
                };
                let draw = Draw { key: KEY, voxels: plane.clone(), image_px, display, is_preview: false };
                compare(&stage, &stage.draw(vec![draw]), &plane, image_px, &display);
            }
        }
    }
}

/// Twelve neighbouring values of each type, near and far from zero, as rank 2 with their values as doubles.
fn twelve_steps() -> Vec<(&'static str, Voxels, Vec<f64>)> {
    fn made<T: tectum::volume::Voxel>(dtype: DType, step: impl Fn(u64) -> T) -> (Voxels, Vec<f64>) {
        let values: Vec<T> = (0..12).map(step).collect();
        let doubles = values.iter().map(|value| value.to_f64()).collect();
        (Voxels::from_values(dtype, Shape::from([1, 12]), &values), doubles)
    }
    let named = |name, (voxels, values)| (name, voxels, values);
    vec![
        named("u8", made(DType::U8, |i| 200 + i as u8)),
        named("i8", made(DType::I8, |i| -128 + i as i8)),
        named("u16", made(DType::U16, |i| 65_524 + i as u16)),
        named("i16", made(DType::I16, |i| -32_768 + i as i16)),
        named("u32 at 2^24", made(DType::U32, |i| (1 << 24) + i as u32)),
        named("u32 at the end", made(DType::U32, |i| u32::MAX - 11 + i as u32)),
        named("i32 at 10^9", made(DType::I32, |i| 1_000_000_000 + 10 * i as i32)),
        named("i32 at the end", made(DType::I32, |i| i32::MIN + i as i32)),
        named("i32 around zero", made(DType::I32, |i| i as i32 - 6)),
        named("u64 at 2^40", made(DType::U64, |i| (1 << 40) + i)),
        named("u64 at 2^53", made(DType::U64, |i| (1 << 53) - 12 + i)),
        named("u64 at 2^63", made(DType::U64, |i| (1 << 63) + 4096 * i)),
        named("i64 at -2^40", made(DType::I64, |i| i as i64 - (1 << 40))),
        named("i64 around zero", made(DType::I64, |i| i as i64 - 6)),
        named("i64 at the end", made(DType::I64, |i| i64::MIN + 2048 * i as i64)),
        named("f16", made(DType::F16, |i| half::f16::from_f32(1024.0 + i as f32))),
        named("f16, smallest", made(DType::F16, |i| half::f16::from_bits(i as u16))),
        named("f32 at 10^9", made(DType::F32, |i| 1e9 + 64.0 * i as f32)),
        named("f32 of 10^-30", made(DType::F32, |i| i as f32 * 1e-30)),
        named("f32 of 10^37", made(DType::F32, |i| (i as f32 - 6.0) * 5e37)),
        named("f64 at 10^9", made(DType::F64, |i| 1e9 + i as f64)),
        named("f64 at -10^9", made(DType::F64, |i| -1e9 + i as f64 * 0.001)),
        named("f64 at 1", made(DType::F64, |i| 1.0 + i as f64 * f64::EPSILON)),
        named("f64 of 10^300", made(DType::F64, |i| i as f64 * 1e300)),
        named("f64 of 10^-300", made(DType::F64, |i| i as f64 * 1e-300)),
        named("f64 around zero", made(DType::F64, |i| (i as f64 - 6.0) * 1e-300)),
        named("f64, smallest", made(DType::F64, f64::from_bits)),
        named("f64, all of it", made(DType::F64, |i| (i as f64 - 5.5) / 5.5 * f64::MAX)),
    ]
}

#[test]
fn twelve_neighbouring_values_of_every_type_are_twelve_colours() {
    let Some(stage) = Stage::new([48, 8], GpuConfig::default()) else { return };
    for (name, voxels, values) in twelve_steps() {
        let plane = Arc::new(voxels);
        let nearest = Display { interpolation: Interpolation::Nearest, ..Display::default() };
        // Limits as measured, and as a user drags them: within, beyond, and around one step.
        let step = values[7] - values[6];
        let around = |low: usize, high: usize| [values[low], values[high]];
        for (nth, limits) in
            [around(0, 11), around(2, 9), [values[5], values[6]], [values[0] - step, values[11] + step]]
                .into_iter()
                .enumerate()
        {
            if !limits.iter().all(|limit| limit.is_finite()) {
                continue;
            }
            let display = Display { limits, ..nearest };
            let before = stage.handle.stats();
            let image = stage.fill(&plane, display);
            let after = stage.handle.stats();
            if nth > 0 {
                let made = |stats: &tectum::render::GpuStats| (stats.uploaded_bytes, stats.objects_created);
                assert_eq!(made(&after), made(&before), "{name}: another contrast uploads nothing");
            }
            let shown: Vec<u8> = (0..12).map(|i| image.get_pixel(4 * i + 2, 4).0[0]).collect();
            if nth == 0 {
                let distinct: std::collections::BTreeSet<_> = shown.iter().collect();
                assert_eq!(distinct.len(), 12, "{name}: {shown:?}");
            }
            assert!(shown.is_sorted(), "{name}: {shown:?}");
            for (gray, value) in shown.iter().zip(&values) {
                let exact = display.color(*value, plane.dtype()).expect("a number")[0];
                assert!(gray.abs_diff(exact) <= 1, "{name}: {gray} for {value} in {limits:?}, not {exact}");
                // The ends are the first and the last colour, and what is beyond them.
                if exact == 0 && *value <= limits[0] || exact == 255 && *value >= limits[1] {
                    assert_eq!(*gray, exact, "{name}: {value} in {limits:?}");
                }
            }
        }
        assert_eq!(stage.handle.stats().problem, None);
    }
}

#[test]
fn far_from_zero_filters_average_as_anywhere() {
    let Some(stage) = Stage::new([61, 47], GpuConfig::default()) else { return };
    fn made<T: tectum::volume::Voxel>(dtype: DType, value: impl Fn(f64) -> T) -> Arc<Voxels> {
        let values: Vec<T> = (0..13 * 17).map(|i| value(noise(i))).collect();
        Arc::new(Voxels::from_values(dtype, Shape::from([13, 17]), &values))
    }
    let cases = [
        (made(DType::I32, |x| 1_000_000_000 + (x * 110.0) as i32), [1e9 + 20.0, 1e9 + 90.0]),
        (made(DType::U32, |x| u32::MAX - (x * 110.0) as u32), [4_294_967_195.0, 4_294_967_275.0]),
        (made(DType::U64, |x| (1 << 40) + (x * 110.0) as u64), [2f64.powi(40) + 20.5, 2f64.powi(40) + 90.25]),
        (made(DType::I64, |x| -(1 << 40) - (x * 110.0) as i64), [-2f64.powi(40) - 100.0, -2f64.powi(40) - 20.0]),
        (made(DType::F32, |x| (x * 1e-30) as f32), [2e-31, 9e-31]),
        (made(DType::F64, |x| 1e9 + x), [1e9 + 0.1, 1e9 + 0.8]),
        (made(DType::F64, |x| (x - 0.5) * 1e300), [-4e299, 3e299]),
        (made(DType::F64, |x| (x - 0.5) * 1e-300), [-4e-301, 3e-301]),
        // Bright spots far beyond the limits, which an average must not forget.
        (made(DType::F64, |x| if x > 0.95 { 1e4 } else { x }), [0.0, 500.0]),
        (made(DType::U64, |x| if x > 0.95 { 1u64 << 60 } else { 3 }), [0.0, 2f64.powi(58)]),
    ];
    for (plane, limits) in cases {
        for interpolation in Interpolation::ALL {
            for image_px in [[-7.3, 4.1, 90.0, 70.0], [3.0, 5.0, 11.3, 37.0], [20.0, 10.0, 7.9, 5.2]] {
                let display = Display { limits, interpolation, colormap: Colormap::Viridis, ..Display::default() };
                let draw = Draw { key: KEY, voxels: plane.clone(), image_px, display, is_preview: false };
                compare(&stage, &stage.draw(vec![draw]), &plane, image_px, &display);
            }
        }
    }
}

#[test]
fn a_projection_of_large_numbers_is_drawn_with_its_steps() {
    let Some(stage) = Stage::new([48, 8], GpuConfig::default()) else { return };
    let values: Vec<u32> = (0..36).map(|i| (1 << 24) + i % 12 - i / 12).collect();
    let volume = Voxels::from_values(DType::U32, Shape::from([3, 1, 12]), &values);
    let plane = stage.fold(&volume, Orientation::Xy, [0, 3], Projection::Max).expect("a projection");
    let limits = [f64::from(1 << 24), f64::from((1 << 24) + 11)];
    let image = stage.fill(&plane, Display { limits, interpolation: Interpolation::Nearest, ..Display::default() });
    let shown: std::collections::BTreeSet<u8> = (0..12).map(|i| image.get_pixel(4 * i + 2, 4).0[0]).collect();
    assert_eq!(shown.len(), 12, "{shown:?}");
}

#[test]
fn labels_have_the_twin_s_colours_and_neighbours_are_unlike_in_every_type() {
    let Some(stage) = Stage::new([48, 8], GpuConfig::default()) else { return };
    for (name, voxels, values) in twelve_steps() {
        // Numbers that name things are whole, and told apart by doubles.
        if values.iter().any(|value| value.fract() != 0.0 || value.abs() > 2f64.powi(53)) {
            continue;
        }
        let plane = Arc::new(voxels);
        for interpolation in Interpolation::ALL {
            let display = Display { colormap: Colormap::Labels, interpolation, ..Display::default() };
            let image = stage.fill(&plane, display);
            let shown: Vec<_> = (0..12).map(|i| image.get_pixel(4 * i + 2, 4).0).collect();
            let twin: Vec<_> = values.iter().map(|v| display.color(*v, plane.dtype()).expect("a number")).collect();
            assert_eq!(shown, twin, "{name}");
            assert!(shown.windows(2).all(|pair| pair[0] != pair[1]), "{name}: {shown:?}");
        }
    }
    assert_eq!(stage.handle.stats().problem, None);
}

#[test]
fn contrast_gamma_inversion_and_colormaps_are_uniforms() {
    let Some(stage) = Stage::new([64, 48], GpuConfig::default()) else { return };
    let plane = Arc::new(voxels(DType::U16, &[12, 16], 2));
    let image_px = [0.0, 0.0, 64.0, 48.0];
    // The first use of gamma makes a pipeline; after that nothing is made.
    for gamma in [1.0, 2.0] {
        stage.fill(&plane, Display { gamma, interpolation: Interpolation::Nearest, ..Display::default() });
    }
    let before = stage.handle.stats();
    let is_gradient = |colormap: &Colormap| !matches!(colormap, Colormap::Saturation | Colormap::Labels);
    for colormap in Colormap::ALL.into_iter().filter(is_gradient) {
        for (limits, gamma, invert) in
            [([0.0, 65535.0], 1.0, false), ([9000.0, 40000.0], 0.45, true), ([7.0, 7.0], 2.2, false)]
        {
            let interpolation = Interpolation::Nearest;
            let display =
                Display { limits, gamma, colormap, invert, interpolation, full_scale: None, ..Display::default() };
            compare(&stage, &stage.fill(&plane, display), &plane, image_px, &display);
        }
    }
    let after = stage.handle.stats();
    assert_eq!((after.uploaded_bytes, after.objects_created), (before.uploaded_bytes, before.objects_created));
}

#[test]
fn missing_and_nan_are_hatched_and_infinities_clamp() {
    let Some(stage) = Stage::new([60, 60], GpuConfig::default()) else { return };
    let mut values: Vec<f32> = (0..400).map(|i| noise(i) as f32).collect();
    values[3 * 20 + 3] = f32::NAN;
    values[5 * 20 + 5] = f32::INFINITY;
    values[5 * 20 + 8] = f32::NEG_INFINITY;
    let missing = || vec![Region::new(&[10, 0], &[14, 20]).unwrap(), Region::new(&[0, 17], &[20, 18]).unwrap()];
    let shape = Shape::from([20, 20]);
    let plane = Arc::new(Voxels::from_values(DType::F32, shape, &values).with_missing(missing()));
    let doubles: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
    let double = Arc::new(Voxels::from_values(DType::F64, shape, &doubles).with_missing(missing()));
    for (plane, interpolation) in Interpolation::ALL.into_iter().flat_map(|i| [(&plane, i), (&double, i)]) {
        for image_px in [[0.0, 0.0, 60.0, 60.0], [0.0, 0.0, 14.2, 14.2]] {
            let display = Display { interpolation, ..Display::default() };
            let draw = Draw { key: KEY, voxels: plane.clone(), image_px, display, is_preview: false };
            compare(&stage, &stage.draw(vec![draw]), plane, image_px, &display);
        }
    }
    // The hatch is a colour of its own under every colormap, and never black.
    let image = stage.fill(&plane, Display { interpolation: Interpolation::Nearest, ..Display::default() });
    for (x, y) in (30..42).flat_map(|y| (0..60).map(move |x| (x, y))) {
        let pixel = image.get_pixel(x, y).0;
        assert!(pixel[..3].iter().all(|&c| c > 24));
        assert!(Colormap::ALL.iter().all(|colormap| !colormap.lut().contains(&pixel)), "{pixel:?}");
    }
    let distinct: std::collections::HashSet<_> = (0..60).map(|x| image.get_pixel(x, 32).0).collect();
    assert!(distinct.len() > 2, "lines, not a flat colour");
}

#[test]
fn saturation_marks_zero_and_full_scale_and_survives_reduction() {
    let Some(stage) = Stage::new([40, 40], GpuConfig::default()) else { return };
    let mut values: Vec<u16> = (0..6400).map(|i| 100 + (noise(i) * 1000.0) as u16).collect();
    values[41 * 80 + 41] = u16::MAX;
    values[..8 * 80].fill(0);
    let plane = Arc::new(Voxels::from_values(DType::U16, Shape::from([80, 80]), &values));
    let display = Display { limits: [0.0, 2000.0], colormap: Colormap::Saturation, ..Display::default() };
    let image = stage.fill(&plane, display);
    assert_eq!(image.get_pixel(20, 20).0, Colormap::FULL_SCALE_COLOR, "one voxel in a pixel of four");
    assert_eq!(image.get_pixel(5, 1).0, Colormap::ZERO_COLOR);
    let red = image.pixels().filter(|pixel| pixel.0 == Colormap::FULL_SCALE_COLOR).count();
    let blue = image.pixels().filter(|pixel| pixel.0 == Colormap::ZERO_COLOR).count();
    assert_eq!((red, blue), (1, 4 * 40));
    // Next to full scale is not full scale, even where single precision takes it for the same.
    let wide = Arc::new(Voxels::from_values(DType::U32, Shape::from([1, 4]), &[u32::MAX, u32::MAX - 1, 1, 0]));
    let nearest = Display { interpolation: Interpolation::Nearest, limits: [0.0, 100.0], ..display };
    let image = stage.fill(&wide, nearest);
    let colors = [5, 15, 25, 35].map(|x| image.get_pixel(x, 20).0);
    assert_eq!(colors, [Colormap::FULL_SCALE_COLOR, [254, 254, 254, 255], [3, 3, 3, 255], Colormap::ZERO_COLOR]);
    let camera = Display { full_scale: Some(1000.0), limits: [0.0, 60000.0], ..display };
    let reds = stage.fill(&plane, camera).pixels().filter(|pixel| pixel.0 == Colormap::FULL_SCALE_COLOR).count();
    assert!(reds > 100);
}

#[test]
fn the_canvas_cuts_the_image_and_leaves_the_rest_alone() {
    let Some(stage) = Stage::new([50, 40], GpuConfig::default()) else { return };
    let plane = Arc::new(Voxels::from_values(DType::U8, Shape::from([4, 4]), &[255u8; 16]));
    let display = Display { limits: [0.0, 255.0], ..Display::default() };
    let draw =
        Draw { key: KEY, voxels: plane, image_px: [-1000.0, -1000.0, 3000.0, 3000.0], display, is_preview: false };
    let rect = egui::Rect::from_min_max(egui::pos2(10.0, 5.0), egui::pos2(30.0, 25.0));
    let image = stage.draw_in(rect, vec![draw.clone()]);
    let white = image.enumerate_pixels().filter(|(_, _, pixel)| pixel.0 == [255; 4]);
    assert!(white.clone().all(|(x, y, _)| (10..30).contains(&x) && (5..25).contains(&y)));
    assert_eq!(white.count(), 400);
    // A rectangle beyond the window, and images of no size, are no reason to fall over.
    let outside = egui::Rect::from_min_max(egui::pos2(-30.0, 20.0), egui::pos2(900.0, 900.0));
    stage.draw_in(outside, vec![draw.clone()]);
    for image_px in [[0.0; 4], [f32::NAN; 4], [0.0, 0.0, f32::INFINITY, 10.0], [0.0, 0.0, -5.0, 10.0]] {
        let image = stage.draw(vec![Draw { image_px, ..draw.clone() }]);
        assert!(image.pixels().all(|pixel| pixel.0 == [0, 0, 0, 255]));
    }
    let nothing = Arc::new(Voxels::from_values::<u8>(DType::U8, Shape::from([0, 4]), &[]));
    stage.draw(vec![Draw { key: KEY, voxels: nothing, image_px: [0.0, 0.0, 5.0, 5.0], ..draw }]);
}

#[test]
fn a_window_that_encodes_colours_itself_shows_the_same() {
    let Some(state) = state_for(|state| state.target_format.add_srgb_suffix()) else { return };
    assert!(state.target_format.is_srgb());
    let Some(stage) = Stage::with_state(state, [64, 48], GpuConfig::default()) else { return };
    let plane = Arc::new(voxels(DType::U8, &[12, 16], 9));
    let (interpolation, image_px) = (Interpolation::Nearest, [0.0, 0.0, 64.0, 48.0]);
    for colormap in [Colormap::Gray, Colormap::Turbo] {
        let display = Display { limits: [0.0, 255.0], colormap, interpolation, ..Display::default() };
        compare(&stage, &stage.fill(&plane, display), &plane, image_px, &display);
    }
}

#[test]
fn planes_wider_than_a_texture_are_drawn_whole() {
    let Some(stage) = Stage::new([90, 30], GpuConfig::default()) else { return };
    let limit = stage.target.render_state().device.limits().max_texture_dimension_2d as usize;
    let width = limit + limit / 2;
    let values: Vec<u16> = (0..3 * width).map(|i| (noise(i) * 60000.0) as u16).collect();
    let mut buffer = Buffer::unpooled(values.len() * 2);
    buffer.bytes_mut().copy_from_slice(bytemuck::cast_slice(&values));
    let missing = vec![Region::new(&[1, width / 2 - 20], &[2, width / 2 + 3]).unwrap()];
    let plane = Arc::new(Voxels::new(DType::U16, Shape::from([3, width]), buffer, missing));
    // Around the seam between the two tiles, three pixels a voxel.
    let image_px = [45.0 - 3.0 * (width / 2) as f32, 2.0, 3.0 * width as f32, 24.0];
    for interpolation in Interpolation::ALL {
        let display = Display { limits: [0.0, 60000.0], interpolation, ..Display::default() };
        let draw = Draw { key: KEY, voxels: plane.clone(), image_px, display, is_preview: false };
        let image = stage.draw(vec![draw]);
        // The same part of the plane as a small one of its own.
        let first = width / 2 - 40;
        let part: Vec<u16> = (0..3).flat_map(|y| &values[y * width + first..y * width + first + 80]).copied().collect();
        let mut buffer = Buffer::unpooled(480);
        buffer.bytes_mut().copy_from_slice(bytemuck::cast_slice(&part));
        let missing = vec![Region::new(&[1, 20], &[2, 43]).unwrap()];
        let part = Voxels::new(DType::U16, Shape::from([3, 80]), buffer, missing);
        compare(&stage, &image, &part, [45.0 - 120.0, 2.0, 240.0, 24.0], &display);
    }
}

#[test]
fn a_picture_beyond_the_budget_is_reduced_and_says_so() {
    let Some(stage) =
        Stage::new([32, 32], GpuConfig { budget_bytes: 8192, upload_bytes_per_frame: 1 << 20, ..GpuConfig::default() })
    else {
        return;
    };
    let plane = Arc::new(Voxels::from_values(DType::U16, Shape::from([128, 128]), &[500u16; 128 * 128]));
    let image = stage.fill(&plane, Display { limits: [0.0, 1000.0], ..Display::default() });
    // Half of 255 is rounded by the device.
    assert!(image.pixels().all(|pixel| [127, 128].contains(&pixel.0[0])));
    let stats = stage.handle.stats();
    assert_eq!(stats.reduction, 4);
    assert!(stats.texture_bytes <= 8192);
    // Zoomed out so far that not every voxel is looked at, the average is still one.
    let image_px = [1.0, 1.0, 3.3, 2.9];
    let display = Display { limits: [0.0, 1000.0], ..Display::default() };
    let image = stage.draw(vec![Draw { key: KEY, voxels: plane, image_px, display, is_preview: false }]);
    assert!([127, 128].contains(&image.get_pixel(2, 2).0[0]));
}

#[test]
fn scrubbing_cached_planes_makes_no_objects_and_stays_in_the_budget() {
    let config = GpuConfig { budget_bytes: 64 << 10, upload_bytes_per_frame: 1 << 20, ..GpuConfig::default() };
    let Some(stage) = Stage::new([32, 32], config) else { return };
    // A quarter of them with missing parts, so that masks are pooled as well.
    let planes: Vec<_> = (0..40)
        .map(|i| {
            let plane = voxels(DType::U16, &[32, 32], i);
            match i % 4 {
                0 => {
                    let mut buffer = Buffer::unpooled(2048);
                    buffer.bytes_mut().copy_from_slice(plane.bytes());
                    let missing = vec![Region::new(&[0, 0], &[5, 32]).unwrap()];
                    Arc::new(Voxels::new(DType::U16, Shape::from([32, 32]), buffer, missing))
                }
                _ => Arc::new(plane),
            }
        })
        .collect();
    let display = Display { limits: [0.0, 65535.0], interpolation: Interpolation::Nearest, ..Display::default() };
    for plane in &planes {
        stage.fill(plane, display);
        assert!(stage.handle.stats().texture_bytes <= config.budget_bytes);
    }
    let warm = stage.handle.stats();
    for (i, plane) in planes.iter().chain(planes.iter().rev()).enumerate() {
        let image = stage.fill(plane, display);
        if i % 8 == 0 {
            compare(&stage, &image, plane, [0.0, 0.0, 32.0, 32.0], &display);
        }
    }
    let after = stage.handle.stats();
    assert_eq!(after.objects_created, warm.objects_created);
    assert!(after.uploads > warm.uploads, "more planes than textures");
    // Other sizes and types push the old ones out.
    for (i, dtype) in DType::ALL.into_iter().enumerate() {
        stage.fill(&Arc::new(voxels(dtype, &[20 + i, 40 - i], i)), display);
        assert!(stage.handle.stats().texture_bytes <= config.budget_bytes);
    }
}

#[test]
fn large_pictures_arrive_in_bands_while_the_former_one_stays() {
    let config = GpuConfig { budget_bytes: 1 << 20, upload_bytes_per_frame: 1000, ..GpuConfig::default() };
    let Some(stage) = Stage::new([32, 32], config) else { return };
    let gray = |value: u8| Arc::new(Voxels::from_values(DType::U8, Shape::from([64, 64]), &[value; 4096]));
    let display = Display { limits: [0.0, 255.0], ..Display::default() };
    let mut uploaded = 0;
    let mut draw = |plane: &Arc<Voxels>| {
        let image = stage.fill(plane, display);
        let stats = stage.handle.stats();
        assert!(stats.uploaded_bytes - uploaded <= 1000);
        uploaded = stats.uploaded_bytes;
        (image, stats.pending_uploads)
    };
    let first = gray(100);
    // The first picture fills in from the top.
    let (image, is_pending) = draw(&first);
    assert!(is_pending);
    assert_eq!((image.get_pixel(16, 3).0[0], image.get_pixel(16, 30).0[0]), (100, 0));
    for _ in 0..3 {
        assert!(draw(&first).1);
    }
    let (image, is_pending) = draw(&first);
    assert!(!is_pending && image.pixels().all(|pixel| pixel.0[0] == 100));
    // The second replaces it at once when it is whole, not before.
    let second = gray(200);
    for step in 0..5 {
        let (image, is_pending) = draw(&second);
        let expected = if step < 4 { 100 } else { 200 };
        assert_eq!(is_pending, step < 4);
        assert!(image.pixels().all(|pixel| pixel.0[0] == expected), "step {step}");
    }
    // A new picture in every frame: some are shown, none starves.
    let shown: std::collections::HashSet<_> = (0..20u8).map(|i| draw(&gray(i)).0.get_pixel(9, 9).0[0]).collect();
    assert!(shown.len() >= 4, "{shown:?}");
}

#[test]
fn nothing_but_a_picture_like_it_stands_in_for_a_large_one() {
    let config = GpuConfig { budget_bytes: 1 << 20, upload_bytes_per_frame: 1000, ..GpuConfig::default() };
    let Some(stage) = Stage::new([32, 32], config) else { return };
    let gray = |value: u8| Arc::new(Voxels::from_values(DType::U8, Shape::from([64, 64]), &[value; 4096]));
    let display = Display { limits: [0.0, 255.0], ..Display::default() };
    // Draws a frame and holds the answer against what is seen.
    let draw = |key: PictureKey, voxels: &Arc<Voxels>, values: &[(PictureKey, u8)]| {
        let image_px = [0.0, 0.0, 32.0, 32.0];
        let draw = Draw { key, voxels: voxels.clone(), image_px, display, is_preview: false };
        let (image, answers) = stage.draw_views(&[(ViewId(0), stage.target.screen_rect(), vec![draw])]);
        let announced = answers[0].filter(|drawn| drawn.is_whole).map(|drawn| drawn.key);
        let value = |key| values.iter().find(|(known, _)| *known == key).expect("known").1;
        match announced {
            Some(seen) => assert!(image.pixels().all(|pixel| pixel.0[0] == value(seen)), "{seen:?}"),
            None => {
                // What has arrived of it, and nothing of another.
                assert!(image.pixels().all(|pixel| [0, value(key)].contains(&pixel.0[0])));
                assert_eq!(image.get_pixel(16, 31).0[0], 0);
            }
        }
        announced
    };
    let at = |layer, t, orientation| {
        let picture = Picture::Plane { t, orientation, index: 3 };
        PictureKey::finest(LayerId::numbered(layer), picture)
    };
    let here = at(1, 9, Orientation::Xy);
    let others = [at(2, 9, Orientation::Xy), at(1, 9, Orientation::Xz), at(1, 10, Orientation::Xy)];
    for (i, other) in others.into_iter().enumerate() {
        let values = [(here, 100), (other, 200)];
        let (first, second) = (gray(100), gray(200));
        while draw(here, &first, &values) != Some(here) {}
        // Another recording, or another cut: never. Another timepoint: by its own name.
        let expected = (i == 2).then_some(here);
        let mut num_frames = 0;
        loop {
            let seen = draw(other, &second, &values);
            if seen == Some(other) {
                break;
            }
            assert_eq!(seen, expected, "{other:?}");
            num_frames += 1;
        }
        assert_eq!(num_frames, 4);
    }
    // In the midst of an upload the view moves on: what is finished first is called by its own name.
    let all: Vec<_> = (0..20u8).map(|i| (at(3, i.into(), Orientation::Xy), 10 * i + 5)).collect();
    let seen: Vec<_> = all.iter().filter_map(|(key, value)| draw(*key, &gray(*value), &all)).collect();
    assert!(seen.len() > 10 && seen.iter().collect::<std::collections::HashSet<_>>().len() >= 3, "{seen:?}");
}

/// Several views of several layers, each with pictures of its own, in one allowance.
#[test]
fn each_view_keeps_its_own_picture_while_the_next_is_on_its_way() {
    let config = GpuConfig { budget_bytes: 1 << 20, upload_bytes_per_frame: 1000, ..GpuConfig::default() };
    let Some(stage) = Stage::new([64, 64], config) else { return };
    let gray = |value: u8| Arc::new(Voxels::from_values(DType::U8, Shape::from([64, 32]), &[value; 2048]));
    let display = Display { limits: [0.0, 255.0], ..Display::default() };
    // Two views beside each other, each with a layer above another.
    let spots = [(0, 1), (0, 2), (1, 1), (1, 2)];
    let picture = |t| Picture::Plane { t, orientation: Orientation::Xy, index: 0 };
    let value = |key: PictureKey, view: u8| 50 * view + 20 * key.layer.number() as u8 + 2 * key.picture.t() as u8;
    let draws_of = |view: u8, t: usize| -> Vec<Draw> {
        let layers = spots.iter().filter(|(of, _)| *of == view).map(|(_, layer)| LayerId::numbered(*layer));
        layers
            .map(|layer| {
                let key = PictureKey::finest(layer, picture(t));
                let (x, y) = (32.0 * f32::from(view), 32.0 * (layer.number() - 1) as f32);
                let image_px = [x, y, 32.0, 32.0];
                Draw { key, voxels: gray(value(key, view)), image_px, display, is_preview: false }
            })
            .collect()
    };
    let rect = |view: u8| egui::Rect::from_min_size(egui::pos2(32.0 * f32::from(view), 0.0), egui::vec2(32.0, 64.0));
    let mut uploaded = 0;
    let mut frame = |views: &[(u8, Vec<Draw>)]| {
        let placed: Vec<_> = views.iter().map(|(view, draws)| (ViewId(*view), rect(*view), draws.clone())).collect();
        let (image, answers) = stage.draw_views(&placed);
        let now = stage.handle.stats().uploaded_bytes;
        assert!(now - std::mem::replace(&mut uploaded, now) <= 1000, "all views share the allowance");
        let draws = views.iter().flat_map(|(view, draws)| draws.iter().map(move |draw| (*view, draw)));
        draws
            .zip(answers)
            .map(|((view, draw), drawn)| {
                let pixel = image.get_pixel(draw.image_px[0] as u32 + 16, draw.image_px[1] as u32 + 31).0[0];
                let whole = drawn.filter(|drawn| drawn.is_whole).map(|drawn| drawn.key);
                assert_eq!(pixel, whole.map_or(0, |key| value(key, view)), "the answer is what is seen");
                whole.map(|key| key.picture.t())
            })
            .collect::<Vec<_>>()
    };
    let views: Vec<_> = [0, 1].map(|view| (view, draws_of(view, 0))).into();
    let num_frames = (0..30).find(|_| frame(&views) == [Some(0); 4]).expect("all arrive");
    assert!(num_frames >= 8, "8192 bytes in frames of 1000");
    // One view goes on: the other keeps what it has, and each of the two layers its own stand-in.
    let still = views[0].1.clone();
    let views = [(0, still.clone()), (1, draws_of(1, 5))];
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| *last != [Some(0), Some(0), Some(5), Some(5)]) {
        seen.push(frame(&views));
        assert!(seen.len() < 10, "{seen:?}");
        assert!(seen.last().unwrap()[2..].iter().all(|t| matches!(t, Some(0 | 5))), "{seen:?}");
    }
    assert_eq!(seen[0][2..], [Some(0); 2]);
    // A view that vanishes is forgotten: when it is back there is no stand-in of before.
    let views = [(0, still.clone())];
    frame(&views);
    let back = [(0, still), (1, draws_of(1, 7))];
    assert_eq!(frame(&back)[2..], [None; 2]);
    assert!(stage.handle.stats().pending_uploads);
    frame(&views);
    assert!(!stage.handle.stats().pending_uploads, "nobody waits for it any more");
}

/// More views than the budget has room for as they are: each shows its picture, if reduced, and says so.
#[test]
fn views_share_the_budget_and_none_stays_empty() {
    let config = GpuConfig { budget_bytes: 64 << 10, upload_bytes_per_frame: 1 << 20, ..GpuConfig::default() };
    let Some(stage) = Stage::new([80, 20], config) else { return };
    let display = Display { limits: [0.0, 255.0], ..Display::default() };
    let hole = || vec![Region::new(&[0, 0], &[1, 1]).unwrap()];
    for step in 0..6u8 {
        // One more view in each frame, each with another picture; every other one lacks a voxel.
        let views: Vec<_> = (0..=step.min(4))
            .map(|view| {
                let values = vec![20 + 40 * view + step; 128 * 128];
                let plane = Voxels::from_values(DType::U8, Shape::from([128, 128]), &values);
                let voxels = Arc::new(if view % 2 == 0 { plane } else { plane.with_missing(hole()) });
                let left = 16.0 * f32::from(view);
                let draw = Draw { key: KEY, voxels, image_px: [left, 0.0, 16.0, 20.0], display, is_preview: false };
                let rect = egui::Rect::from_min_size(egui::pos2(left, 0.0), egui::vec2(16.0, 20.0));
                (ViewId(view), rect, vec![draw])
            })
            .collect();
        let (image, answers) = stage.draw_views(&views);
        assert!(answers.iter().all(|drawn| drawn.is_some_and(|drawn| drawn.is_whole)), "{step} {answers:?}");
        for view in 0..views.len() as u8 {
            let pixel = image.get_pixel(16 * u32::from(view) + 8, 10).0;
            assert_eq!(pixel[0], 20 + 40 * view + step);
        }
        let stats = stage.handle.stats();
        assert!(stats.texture_bytes <= config.budget_bytes, "{stats:?}");
        assert!(stats.reduction > 1 || step < 2, "{stats:?}");
    }
}

/// A channel over another by opacity or by addition, and labels over an image, in two views at once.
#[test]
fn two_views_of_two_layers_are_drawn_right() {
    let Some(stage) = Stage::new([128, 60], GpuConfig::default()) else { return };
    let hole = |from: [usize; 2], to: [usize; 2]| vec![Region::new(&from, &to).unwrap()];
    let camera = Arc::new(voxels(DType::U16, &[20, 20], 1).with_missing(hole([2, 3], [5, 9])));
    let mut ratios: Vec<f32> = (0..100).map(|i| noise(i) as f32).collect();
    ratios[47] = f32::NAN;
    let ratio = Arc::new(Voxels::from_values(DType::F32, Shape::from([10, 10]), &ratios));
    let labels: Vec<u16> = (0..400).map(|i| if noise(i + 7) < 0.5 { 0 } else { (i % 300) as u16 }).collect();
    let labels = Voxels::from_values(DType::U16, Shape::from([20, 20]), &labels).with_missing(hole([15, 0], [17, 20]));
    let of = |colormap, limits| Display { colormap, limits, ..Display::default() };
    let green = of(Colormap::Green, [0.0, 65535.0]);
    let magenta = of(Colormap::Magenta, [0.0, 1.0]);
    let named = of(Colormap::Labels, [0.0, 1.0]);
    let labels = Arc::new(labels);
    let draws = |left: f32, layers: [(&Arc<Voxels>, Display); 2]| -> Vec<Draw> {
        let draw = |(number, (voxels, display)): (u32, (&Arc<Voxels>, Display))| Draw {
            key: PictureKey::finest(LayerId::numbered(number), KEY.picture),
            voxels: voxels.clone(),
            image_px: [left + 2.3, 3.2, 56.9, 53.7],
            display,
            is_preview: false,
        };
        (1..).zip(layers).map(draw).collect()
    };
    for interpolation in Interpolation::ALL {
        for (opacity, blend) in [(1.0, Blend::Add), (0.6, Blend::Add), (0.4, Blend::Over), (1.0, Blend::Over)] {
            let with = |display: Display, opacity, blend| Display { interpolation, opacity, blend, ..display };
            let rects =
                [0.0, 64.0].map(|left| egui::Rect::from_min_size(egui::pos2(left, 0.0), egui::vec2(64.0, 60.0)));
            let left = draws(
                0.0,
                [
                    // Nothing shines through the lowest layer but darkness.
                    (&camera, with(green, if blend == Blend::Add { 0.8 } else { 1.0 }, blend)),
                    (&ratio, with(magenta, opacity, blend)),
                ],
            );
            let right = draws(
                64.0,
                [
                    (&camera, with(of(Colormap::Gray, [0.0, 65535.0]), 1.0, Blend::Over)),
                    (&labels, with(named, opacity, Blend::Over)),
                ],
            );
            let (image, answers) =
                stage.draw_views(&[(ViewId(0), rects[0], left.clone()), (ViewId(1), rects[1], right.clone())]);
            assert!(answers.iter().all(|drawn| drawn.is_some_and(|drawn| drawn.is_whole)));
            compare_layers(&image, rects[0], &left);
            compare_layers(&image, rects[1], &right);
        }
    }
    // A layer that is only half there has a hatch that is wholly there.
    let alone =
        vec![Draw { display: Display { opacity: 0.5, ..green }, ..draws(0.0, [(&camera, green); 2])[0].clone() }];
    let rect = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(64.0, 60.0));
    compare_layers(&stage.draw_views(&[(ViewId(0), rect, alone.clone())]).0, rect, &alone);
    // One camera's planes lie on the GPU once, whoever shows them.
    assert_eq!(stage.handle.stats().uploads, 3);
}

/// A plane and its cut into tiles of at most `side` voxels.
fn cut(plane: &Voxels, key: PictureKey, side: usize) -> Vec<WantedTile> {
    let &[height, width] = plane.shape().dims() else { panic!("a plane") };
    let num_bytes = plane.dtype().num_bytes();
    let starts = (0..height).step_by(side).flat_map(|y| (0..width).step_by(side).map(move |x| [y, x]));
    starts
        .map(|[y, x]| {
            let size = [side.min(height - y), side.min(width - x)];
            let region = Region::new(&[y, x], &[y + size[0], x + size[1]]).expect("ordered");
            let rows = (y..y + size[0]).map(|row| (row * width + x) * num_bytes);
            let bytes: Vec<u8> = rows.flat_map(|at| &plane.bytes()[at..at + size[1] * num_bytes]).copied().collect();
            let mut buffer = Buffer::unpooled(bytes.len());
            buffer.bytes_mut().copy_from_slice(&bytes);
            let missing = plane.missing().iter().filter_map(|hole| hole.intersect(&region));
            let missing = missing.map(|hole| hole.relative_to(&[y, x])).filter(|hole| !hole.is_empty()).collect();
            let voxels = Arc::new(Voxels::new(plane.dtype(), Shape::from(size), buffer, missing));
            let tile = Tile { from: [y, x], size, of: [height as f64, width as f64] };
            let index = TileIndex { row: (y / side) as u16, column: (x / side) as u16 };
            let key = PictureKey { tile: Some(index), ..key };
            WantedTile { wanted: Wanted { key, voxels }, tile, is_backdrop: false }
        })
        .collect()
}

#[test]
fn tiles_of_a_picture_are_drawn_as_if_they_were_one() {
    let Some(stage) = Stage::new([96, 80], GpuConfig::default()) else { return };
    for dtype in [DType::U8, DType::U16, DType::F16, DType::F32, DType::I64] {
        let hole = vec![Region::new(&[13, 5], &[18, 12]).unwrap()];
        let plane = Arc::new(voxels(dtype, &[37, 45], 5).with_missing(hole));
        let tiles = cut(&plane, KEY, 16);
        assert_eq!(tiles.len(), 9);
        for interpolation in Interpolation::ALL {
            for image_px in [[-21.3, -17.4, 211.7, 173.9], [4.2, 3.1, 88.3, 72.6], [10.3, 7.1, 61.9, 50.9]] {
                let display =
                    Display { limits: limits_of(dtype), colormap: Colormap::Gray, interpolation, ..Display::default() };
                let draw = Draw { key: KEY, voxels: plane.clone(), image_px, display, is_preview: false };
                let whole = stage.draw(vec![draw]);
                let is_reduced = image_px[2] < 80.0 && interpolation == Interpolation::Linear;
                // Handed over one after the other, as they are read, the borders are mended as neighbours come.
                for num in [4, 9] {
                    let (image, answers) = stage.draw_tiles(&tiles[..num], image_px, display);
                    assert!(answers.iter().flatten().filter(|drawn| drawn.is_whole).count() == num);
                    if num < 9 {
                        continue;
                    }
                    let mut num_apart = 0;
                    for (x, y, pixel) in image.enumerate_pixels() {
                        let wanted = whole.get_pixel(x, y).0;
                        let apart = pixel.0[0].abs_diff(wanted[0]);
                        // A pixel over a seam averages what of its area lies in one tile and a voxel beyond it;
                        // one beside a hole that lies in another tile knows less of the hole.
                        num_apart += usize::from(apart > 1);
                        let is_loose =
                            is_reduced || interpolation == Interpolation::Linear && is_near_hole(image_px, [x, y]);
                        assert!(
                            apart <= 1 || is_loose,
                            "{dtype} {display:?} {image_px:?} {x} {y}: {pixel:?} {wanted:?}"
                        );
                    }
                    assert!(num_apart <= 96 * 80 / 25, "{num_apart} pixels");
                }
            }
        }
    }
}

/// Whether a pixel lies about the voxels that `tiles_of_a_picture_are_drawn_as_if_they_were_one` leaves out.
fn is_near_hole(image_px: [f32; 4], px: [u32; 2]) -> bool {
    let x = (px[0] as f32 - image_px[0]) / image_px[2] * 45.0;
    let y = (px[1] as f32 - image_px[1]) / image_px[3] * 37.0;
    (4.0..=14.0).contains(&x) && (12.0..=19.0).contains(&y)
}

#[test]
fn scrubbing_cached_tiles_makes_no_objects() {
    let config = GpuConfig { budget_bytes: 1 << 20, ..GpuConfig::default() };
    let Some(stage) = Stage::new([64, 64], config) else { return };
    let pictures: Vec<_> = (0..12)
        .map(|t| {
            let picture = Picture::Plane { t, orientation: Orientation::Xy, index: 0 };
            cut(&voxels(DType::U16, &[100, 100], t), PictureKey::finest(LayerId::numbered(1), picture), 16)
        })
        .collect();
    let display = Display { limits: [0.0, 65535.0], ..Display::default() };
    let draw = |tiles: &[WantedTile]| {
        let (_, answers) = stage.draw_tiles(tiles, [0.0, 0.0, 64.0, 64.0], display);
        assert!(answers.iter().zip(tiles).all(|(drawn, tile)| drawn.unwrap().key == tile.wanted.key));
        assert!(stage.handle.stats().texture_bytes <= config.budget_bytes);
    };
    pictures.iter().for_each(|tiles| draw(tiles));
    let warm = stage.handle.stats();
    pictures.iter().chain(pictures.iter().rev()).for_each(|tiles| draw(tiles));
    let after = stage.handle.stats();
    assert_eq!(after.objects_created, warm.objects_created);
    assert!(after.uploads > warm.uploads);
}

/// While a tile is on its way a coarser resolution of the same picture stands in its place, or else the tile of the
/// picture before; each is called what it is.
#[test]
fn a_tile_s_place_is_never_empty_and_never_misnamed() {
    let config = GpuConfig { budget_bytes: 1 << 20, upload_bytes_per_frame: 600, ..GpuConfig::default() };
    let Some(stage) = Stage::new([64, 64], config) else { return };
    let display = Display { limits: [0.0, 255.0], ..Display::default() };
    let at = |t, level| {
        let picture = Picture::Plane { t, orientation: Orientation::Xy, index: 0 };
        PictureKey { layer: LayerId::numbered(1), level, picture, tile: None }
    };
    let gray =
        |side: usize, value: u8| Voxels::from_values(DType::U8, Shape::from([side, side]), &vec![value; side * side]);
    let fine = |t: usize, value| cut(&gray(64, value), at(t, 0), 32);
    let coarse = |t: usize, value| -> Vec<WantedTile> {
        let tiles = cut(&gray(16, value), at(t, 2), 16).into_iter();
        tiles.map(|tile| WantedTile { is_backdrop: true, ..tile }).collect()
    };
    // Pixels in the middle of each of the four tiles, and their names.
    let frame = |tiles: &[WantedTile]| {
        let (image, answers) = stage.draw_tiles(tiles, [0.0, 0.0, 64.0, 64.0], display);
        let places = [[16, 31], [48, 31], [16, 63], [48, 63]];
        let values = places.map(|[x, y]| image.get_pixel(x, y).0[0]);
        let names: Vec<_> = answers[..4]
            .iter()
            .map(|drawn| {
                let drawn = drawn.filter(|drawn| drawn.is_whole)?;
                Some((PictureKey { tile: None, ..drawn.key }, drawn.is_backdrop))
            })
            .collect();
        assert!(answers[4..].iter().all(Option::is_none), "backdrops are not drawn by themselves");
        (values, names)
    };
    // The coarse one is there first, wholly; then the fine ones take its place one by one.
    let tiles: Vec<_> = fine(0, 100).into_iter().chain(coarse(0, 90)).collect();
    let (values, names) = frame(&tiles);
    assert_eq!((values, names.clone()), ([90; 4], vec![Some((at(0, 2), true)); 4]));
    let mut num_mixed = 0;
    loop {
        let (values, names) = frame(&tiles);
        for (value, name) in values.iter().zip(&names) {
            assert_eq!(Some(*value), name.map(|(key, _)| if key.level == 0 { 100 } else { 90 }));
        }
        if names.iter().all(|name| *name == Some((at(0, 0), false))) {
            break;
        }
        num_mixed += usize::from(values.contains(&100));
        assert!(num_mixed < 20);
    }
    assert!(num_mixed >= 3, "{num_mixed}");
    // Of the next timepoint there is no coarse one: the tiles of the former one stay, under its name.
    let next = fine(1, 200);
    let (values, names) = frame(&next);
    assert_eq!((values, names), ([100; 4], vec![Some((at(0, 0), false)); 4]));
    while frame(&next).1 != vec![Some((at(1, 0), false)); 4] {}
    // Another resolution's tile at the same place does not stand in for it.
    let zoomed: Vec<_> = cut(&gray(64, 30), at(1, 1), 32);
    let (values, names) = frame(&zoomed);
    assert_eq!((values, names), ([0; 4], vec![None; 4]));
}

/// egui runs frames it does not paint, passes it throws away, and paints a frame again.
#[test]
fn a_frame_is_one_run_of_egui_whatever_becomes_of_it() {
    let config = GpuConfig { budget_bytes: 1 << 20, upload_bytes_per_frame: 1000, ..GpuConfig::default() };
    let Some(stage) = Stage::new([32, 32], config) else { return };
    let gray = |value: u8| Arc::new(Voxels::from_values(DType::U8, Shape::from([64, 64]), &[value; 4096]));
    let display = Display { limits: [0.0, 255.0], ..Display::default() };
    let draw = |t, value| Draw {
        key: PictureKey::finest(LayerId::numbered(1), Picture::Plane { t, orientation: Orientation::Xy, index: 0 }),
        voxels: gray(value),
        image_px: [0.0, 0.0, 32.0, 32.0],
        display,
        is_preview: false,
    };
    let run = |passes: &[&Draw]| {
        let mut answers = Vec::new();
        let output = stage.ctx.run_ui(stage.target.raw_input(0.0), |ui| {
            let draw = passes[answers.len().min(passes.len() - 1)];
            let drawn = stage.show(ui.ctx(), ViewId(0), std::slice::from_ref(draw))[0];
            answers.push(drawn.filter(|drawn| drawn.is_whole).map(|drawn| drawn.key.picture.t()));
            ui.painter()
                .add(canvas_shape(stage.target.screen_rect(), drawn.map(|it| draw.placed(it)).into_iter().collect()));
            if answers.len() < passes.len() {
                ui.ctx().request_discard("another pass");
            }
        });
        assert_eq!(answers.len(), passes.len());
        (output, answers)
    };
    let uploaded = || stage.handle.stats().uploaded_bytes;
    let (first, second) = (draw(0, 100), draw(1, 200));
    // Frames that are never painted go on uploading, a frame's allowance each, and nothing piles up.
    for num_rows in [15, 30, 45, 60] {
        assert_eq!(run(&[&first]).1, [None]);
        assert_eq!(uploaded(), num_rows * 64);
        assert!(stage.handle.stats().staging_bytes <= 2000);
    }
    // The passes of one frame share one allowance, and the last answer is what is painted.
    let (output, answers) = run(&[&first, &second]);
    assert_eq!(answers, [Some(0), Some(0)]);
    assert!(uploaded() <= 75 * 64, "{}", uploaded() / 64);
    let image = stage.target.paint(&stage.ctx, output).expect("painting");
    assert!(image.pixels().all(|pixel| pixel.0[0] == 100), "what was answered, not what was wanted");
    while run(&[&second]).1 != [Some(1)] {}
    // Painting again uploads nothing and shows the same.
    let (output, _) = run(&[&second]);
    let (shapes, pixels_per_point) = (output.shapes.clone(), output.pixels_per_point);
    let before = uploaded();
    let again = egui::FullOutput { shapes, pixels_per_point, ..Default::default() };
    for output in [output, again] {
        let image = stage.target.paint(&stage.ctx, output).expect("painting");
        assert!(image.pixels().all(|pixel| pixel.0[0] == 200));
    }
    assert_eq!(uploaded(), before);
    assert_eq!(stage.handle.stats().problem, None);
}

#[test]
fn projections_are_those_of_the_cpu() {
    let Some(stage) = Stage::new([16, 16], GpuConfig::default()) else { return };
    let pool = Pool::new(1 << 20);
    let dims = [9, 14, 11];
    for dtype in DType::ALL {
        let volume = voxels(dtype, &dims, 3);
        for orientation in Orientation::ALL {
            let depth = dims[orientation.depth_axis().index() - 1];
            for slab in [[0, depth], [3, 4], [2, 7]] {
                for op in Projection::ALL {
                    let what = format!("{} of {dtype}, {orientation:?}, {slab:?}", op.name());
                    let result = match stage.fold(&volume, orientation, slab, op) {
                        Ok(result) => result,
                        Err(error) => {
                            let is_wide = dtype.num_bytes() > 2 && dtype != DType::F32 || dtype == DType::F16;
                            assert!(is_wide || !has_float_targets(&stage), "{what}: {error}");
                            continue;
                        }
                    };
                    let expected = project_for_display(&volume, orientation, slab, op, &pool);
                    assert_eq!((result.dtype(), result.shape()), (expected.dtype(), expected.shape()), "{what}");
                    if expected.dtype().is_float() && !matches!(op, Projection::Max | Projection::Min) {
                        close(&result, &expected, dtype, &what);
                    } else {
                        assert_eq!(result.bytes(), expected.bytes(), "{what}");
                    }
                }
            }
        }
    }
}

/// Whether shaders can write floats; OpenGL may not, and the CPU folds there.
fn has_float_targets(stage: &Stage) -> bool {
    let features = stage.target.render_state().adapter.get_texture_format_features(wgpu::TextureFormat::R32Float);
    let has = features.allowed_usages.contains(wgpu::TextureUsages::RENDER_ATTACHMENT);
    if !has {
        eprintln!("skipped: no float targets on this adapter");
    }
    has
}

/// Floats within 1e-6 of the value; of the values' size (up to 1000, nine of them) where they cancel.
fn close(result: &Voxels, expected: &Voxels, dtype: DType, what: &str) {
    let &[rows, columns] = expected.shape().dims() else { panic!("a plane") };
    for index in (0..rows).flat_map(|y| (0..columns).map(move |x| [y, x])) {
        let (a, b) = (result.get_f64(&index).expect("inside"), expected.get_f64(&index).expect("inside"));
        let size = if dtype.integer_range().is_some_and(|[low, _]| low == 0.0) { b.abs() } else { b.abs().max(1000.0) };
        assert!((a - b).abs() <= 1e-6 * size || a == b, "{what}: {a}, not {b}, at {index:?}");
    }
}

#[test]
fn a_projection_is_drawn_from_where_it_was_made() {
    let Some(stage) = Stage::new([44, 56], GpuConfig { upload_bytes_per_frame: 500, ..GpuConfig::default() }) else {
        return;
    };
    let volume = voxels(DType::U16, &[9, 14, 11], 4);
    let steps = std::cell::RefCell::new(vec![0]);
    let fold = volume_fold(&volume, Orientation::Xy, [0, 9], Projection::Sum);
    let plane = stage.handle.fold(&fold, &|| {
        steps.borrow_mut().push(stage.handle.stats().uploaded_bytes);
        true
    });
    let plane = Arc::new(plane.expect("a projection"));
    let steps = steps.into_inner();
    assert!(steps.len() >= 6 && steps.windows(2).all(|pair| pair[1] - pair[0] <= 500), "2,772 bytes: {steps:?}");
    let before = stage.handle.stats().uploaded_bytes;
    let display = Display { limits: [0.0, 600_000.0], ..Display::default() };
    let image = stage.fill(&plane, display);
    assert!(!plane.is_in_memory(), "it is drawn without being read back");
    compare(&stage, &image, &plane, [0.0, 0.0, 44.0, 56.0], &display);
    assert_eq!(stage.handle.stats().uploaded_bytes, before);
    assert!(plane.is_in_memory(), "its values were asked for");
}

#[test]
fn another_slab_or_operation_of_a_volume_brings_nothing_and_none_without_the_voxels() {
    let Some(stage) = Stage::new([16, 16], GpuConfig::default()) else { return };
    let volume = voxels(DType::U16, &[9, 14, 11], 4);
    let of_resident =
        |orientation, slab, op| VolumeFold { voxels: None, ..volume_fold(&volume, orientation, slab, op) };
    let first = of_resident(Orientation::Xy, [0, 9], Projection::Max);
    assert!(matches!(stage.handle.fold(&first, &|| true), Err(NotFolded::VolumeGone)));
    // An upload that was stopped goes on where it was.
    let gave_way = stage.handle.fold(&volume_fold(&volume, Orientation::Xy, [0, 9], Projection::Max), &|| false);
    assert!(matches!(gave_way, Err(NotFolded::GaveWay)) && !stage.handle.has_volume(volume.id()));
    stage.fold(&volume, Orientation::Xy, [0, 9], Projection::Max).expect("a projection");
    assert!(stage.handle.has_volume(volume.id()));
    let uploaded = stage.handle.stats().uploaded_bytes;
    assert_eq!(uploaded, 9 * 14 * 11 * 2);
    for orientation in Orientation::ALL {
        for op in [Projection::Max, Projection::Min, Projection::Sum] {
            let result = stage.handle.fold(&of_resident(orientation, [2, 7], op), &|| false).expect("a projection");
            let expected = project_for_display(&volume, orientation, [2, 7], op, &Pool::new(0));
            assert_eq!(result.bytes(), expected.bytes(), "{op:?} over {orientation:?}");
        }
    }
    assert_eq!(stage.handle.stats().uploaded_bytes, uploaded);
}

#[test]
fn a_folded_picture_keeps_its_texture_and_gives_it_back() {
    let volume = voxels(DType::U8, &[4, 64, 64], 6);
    let budget_bytes = 16 * 64 * 64;
    let Some(stage) = Stage::new([64, 64], GpuConfig { budget_bytes, ..GpuConfig::default() }) else { return };
    let nth = |slab: usize| stage.fold(&volume, Orientation::Xy, [slab, slab + 1], Projection::Max);
    let kept: Vec<_> = (0..4).map(|slab| nth(slab).expect("a projection")).collect();
    assert!(kept.iter().all(|voxels| !voxels.is_in_memory()));
    // Pictures that are drawn take all the rest of the budget.
    let display = Display { limits: [0.0, 255.0], interpolation: Interpolation::Nearest, ..Display::default() };
    for seed in 0..12 {
        stage.fill(&Arc::new(voxels(DType::U8, &[64, 50 + seed], seed)), display);
        assert!(stage.handle.stats().texture_bytes <= budget_bytes);
    }
    assert!(!stage.handle.has_volume(volume.id()), "the volume has given way");
    let before = stage.handle.stats().uploaded_bytes;
    for (slab, picture) in kept.iter().enumerate() {
        stage.fill(picture, display);
        let expected = project_for_display(&volume, Orientation::Xy, [slab, slab + 1], Projection::Max, &Pool::new(0));
        assert_eq!(picture.bytes(), expected.bytes(), "of no other picture");
    }
    assert_eq!(stage.handle.stats().uploaded_bytes, before);
    drop(kept);
    // What is drawn in a frame, and what was in the one before, is not taken.
    (0..2).for_each(|seed| drop(stage.fill(&Arc::new(voxels(DType::U8, &[64, 64], 40 + seed)), display)));
    let created = stage.handle.stats().objects_created;
    let again: Vec<_> = (0..4).map(|slab| nth(slab).expect("a projection")).collect();
    assert!(again.iter().all(|voxels| voxels.fetch()));
    // The volume's texture and its binding, nothing else.
    assert!(stage.handle.stats().objects_created <= created + 2);
}

#[test]
fn a_volume_with_missing_parts_is_left_to_the_cpu() {
    let config = GpuConfig { projects: true, ..GpuConfig::default() };
    let Some(stage) = Stage::new([22, 28], config) else { return };
    let whole = voxels(DType::U16, &[9, 14, 11], 5);
    assert!(stage.handle.can_project(DType::U16, [9, 14, 11], Orientation::Xy, [0, 8], Projection::Mean));
    let holes = whole.with_missing(vec![Region::new(&[0, 2, 3], &[1, 5, 7]).unwrap()]);
    assert!(stage.fold(&holes, Orientation::Xy, [0, 8], Projection::Mean).is_err());
    // Nor is what it could not do exactly begun.
    assert!(!stage.handle.can_project(DType::U64, [9, 14, 11], Orientation::Xy, [0, 8], Projection::Max));
    assert!(!stage.handle.can_project(DType::U16, [9, 14, 11], Orientation::Xy, [0, 10], Projection::Max));
}

#[test]
fn nan_and_large_offsets_fold_as_on_the_cpu() {
    let Some(stage) = Stage::new([16, 16], GpuConfig::default()) else { return };
    if !has_float_targets(&stage) {
        return;
    }
    let pool = Pool::new(1 << 20);
    let mut values: Vec<f32> = (0..200 * 16).map(|i| 1e6 + noise(i) as f32).collect();
    values[5 * 16 + 2] = f32::NAN;
    values[7 * 16 + 4] = f32::INFINITY;
    let volume = Voxels::from_values(DType::F32, Shape::from([200, 4, 4]), &values);
    for op in Projection::ALL {
        let result = stage.fold(&volume, Orientation::Xy, [0, 200], op).expect("a projection");
        let expected = project_for_display(&volume, Orientation::Xy, [0, 200], op, &pool);
        for index in (0..4).flat_map(|y| (0..4).map(move |x| [y, x])) {
            let (a, b) = (result.get_f64(&index).unwrap(), expected.get_f64(&index).unwrap());
            // The deviation of values a million times as large is known to the rounding of the values.
            let tolerance = if op == Projection::Std { 1e-4 } else { 1e-6 };
            let is_close = (a - b).abs() <= tolerance * b.abs() || a == b || (a.is_nan() && b.is_nan());
            assert!(is_close, "{}: {a}, not {b}, at {index:?}", op.name());
        }
    }
}

/// A window of the kinds of things ours consists of. What it shows depends on the number of the frame.
fn scene(ui: &mut egui::Ui, stage: &Stage, plane: &Arc<Voxels>, frame: usize) {
    let all = ui.max_rect();
    ui.painter().rect_filled(all, 0.0, egui::Color32::from_rgb(24, 27, 31));
    let canvas = egui::Rect::from_min_size(all.min + egui::vec2(100.0, 20.0), egui::vec2(80.0, 80.0));
    ui.painter().rect_filled(canvas, 0.0, egui::Color32::BLACK);
    let scale = ui.ctx().pixels_per_point();
    let shift = if frame < 5 { 0.0 } else { 7.3 };
    let draw = Draw {
        key: KEY,
        voxels: plane.clone(),
        image_px: [canvas.min.x * scale + shift, canvas.min.y * scale, 80.0 * scale, 80.0 * scale],
        display: Display { invert: frame == 2, ..Display::default() },
        is_preview: false,
    };
    let drawn = stage.show(ui.ctx(), ViewId(0), std::slice::from_ref(&draw))[0];
    ui.painter().add(canvas_shape(canvas, drawn.map(|drawn| draw.placed(drawn)).into_iter().collect()));
    ui.heading(format!("t {} · z 15 µm", if frame < 3 { 40 } else { 41 + frame }));
    let _button = ui.button("Saturation");
    let marker = all.min + egui::vec2(20.0 * frame as f32 + 3.5, 160.0);
    ui.painter().vline(marker.x, marker.y..=marker.y + 30.0, (1.5, egui::Color32::WHITE));
    if frame == 4 || frame == 5 {
        let popup = egui::Rect::from_min_size(all.min + egui::vec2(60.0, 60.0), egui::vec2(110.0, 70.0));
        ui.painter().rect_filled(popup, 5.0, egui::Color32::from_rgb(60, 70, 90));
        let font = egui::FontId::proportional(12.0);
        ui.painter().text(popup.center(), egui::Align2::CENTER_CENTER, "Æ menu", font, egui::Color32::WHITE);
    }
    let clip = egui::Rect::from_min_size(all.min + egui::vec2(150.0, 70.0), egui::vec2(90.0, 60.0));
    let shapes = ui.painter().with_clip_rect(clip);
    shapes.circle_filled(clip.center(), 50.0, egui::Color32::from_rgba_unmultiplied(74, 168, 255, 120));
    shapes.rect_stroke(clip.shrink(8.5), 6.0, (2.0, egui::Color32::WHITE), egui::StrokeKind::Inside);
}

/// A stage on a device of its own, whose window is kept or egui's.
fn window_stage(size: [u32; 2], pixels_per_point: f32, is_kept: bool) -> Option<Stage> {
    let state = state()?;
    let kept = KeptWindow::new(&state).filter(|_| is_kept);
    let handle = install(&state, GpuConfig::default());
    let target = OffscreenTarget::with_state(state, size[0], size[1], pixels_per_point).expect("a small image");
    let ctx = egui::Context::default();
    ctx.tessellation_options_mut(|options| options.prerasterized_discs = false);
    if let Some(kept) = kept {
        ctx.add_plugin(kept);
    }
    Some(Stage { target, ctx, handle, size })
}

fn paint_scene(stage: &Stage, plane: &Arc<Voxels>, frame: usize) -> image::RgbaImage {
    let output = stage.ctx.run_ui(stage.target.raw_input(0.0), |ui| scene(ui, stage, plane, frame));
    stage.target.paint(&stage.ctx, output).expect("painting")
}

/// Text, rounded and clipped shapes, a picture between them, popups that come and go, at several scales: what is
/// kept and drawn again in parts is what egui draws, and what is drawn anew as a whole.
#[test]
fn the_kept_window_shows_what_egui_draws() {
    for scale in [1.0, 1.5, 2.0] {
        let mut size = [320.0, 200.0].map(|side: f32| (side * scale) as u32);
        let stages = [false, true, true].map(|is_kept| window_stage(size, scale, is_kept));
        let [Some(mut theirs), Some(mut kept), Some(mut anew)] = stages else { return };
        let planes = [3, 4].map(|seed| Arc::new(voxels(DType::U8, &[20, 20], seed)));
        for frame in 0..9 {
            if frame == 7 {
                size = [size[0] + 30, size[1] - 17];
                for stage in [&mut theirs, &mut kept, &mut anew] {
                    let state = stage.target.render_state().clone();
                    stage.target = OffscreenTarget::with_state(state, size[0], size[1], scale).expect("a small image");
                }
            }
            let plane = &planes[usize::from(frame > 3)];
            // A texture that comes makes all of the window be drawn anew.
            let _new = anew.ctx.load_texture("new", egui::ColorImage::example(), egui::TextureOptions::NEAREST);
            let [wanted, seen, whole] = [&theirs, &kept, &anew].map(|stage| paint_scene(stage, plane, frame));
            assert!(seen == whole, "frame {frame} at {scale}: the parts are not the whole");
            let mut num_lit = 0;
            for (x, y, pixel) in seen.enumerate_pixels() {
                let wanted = wanted.get_pixel(x, y);
                let apart = pixel.0.iter().zip(wanted.0).map(|(a, b)| a.abs_diff(b)).max();
                assert!(apart <= Some(2), "frame {frame} at {scale}, {x}, {y}: {pixel:?} instead of {wanted:?}");
                num_lit += usize::from(wanted.0[0] > 100);
            }
            assert!(num_lit > 500, "{num_lit} bright pixels");
        }
        assert_eq!(kept.handle.stats().problem, None);
    }
}

/// Every type, filter and way of colouring, with holes and values that are no numbers.
#[test]
fn the_cpu_colours_pictures_as_the_shader_does() {
    let config = GpuConfig { shades_in_software: true, ..GpuConfig::default() };
    let (Some(shaded), Some(colored)) = (Stage::new([90, 70], config), Stage::new([90, 70], GpuConfig::default()))
    else {
        return;
    };
    let mut displays = Vec::new();
    for interpolation in Interpolation::ALL {
        for (colormap, gamma, invert) in [
            (Colormap::Viridis, 1.0, false),
            (Colormap::Gray, 0.6, true),
            (Colormap::Saturation, 1.0, false),
            (Colormap::Labels, 1.0, false),
        ] {
            displays.push(Display { colormap, gamma, invert, interpolation, ..Display::default() });
        }
    }
    for dtype in DType::ALL {
        let whole = voxels(dtype, &[23, 31], 7);
        let holes = voxels(dtype, &[23, 31], 8).with_missing(vec![Region::new(&[4, 5], &[9, 22]).unwrap()]);
        let mut planes = vec![Arc::new(whole), Arc::new(holes)];
        if dtype == DType::F32 {
            let values: Vec<f32> =
                (0..23 * 31).map(|i| [noise(i) as f32, f32::NAN, f32::INFINITY][i % 11 % 3]).collect();
            planes.push(Arc::new(Voxels::from_values(dtype, Shape::from([23, 31]), &values)));
        }
        for plane in &planes {
            for image_px in [[-7.3, 4.1, 140.0, 80.0], [3.0, 5.0, 27.3, 77.0], [20.4, 10.0, 7.9, 5.2]] {
                for display in &displays {
                    let display = Display { limits: limits_of(dtype), ..*display };
                    let draw = || Draw { key: KEY, voxels: plane.clone(), image_px, display, is_preview: false };
                    let (theirs, ours) = (shaded.draw(vec![draw()]), colored.draw(vec![draw()]));
                    // A power is rounded otherwise, and so is the hatch.
                    let allowed = if display.gamma == 1.0 && plane.missing().is_empty() { 0 } else { 1 };
                    for (x, y, pixel) in ours.enumerate_pixels() {
                        let wanted = theirs.get_pixel(x, y);
                        let apart = pixel.0.iter().zip(wanted.0).map(|(a, b)| a.abs_diff(b)).max();
                        assert!(
                            apart <= Some(allowed),
                            "{dtype} {display:?} {image_px:?}, {x}, {y}: {pixel:?} instead of {wanted:?}"
                        );
                    }
                }
            }
        }
    }
}
