//! The named gradients values are painted with, and their tables.

use std::sync::LazyLock;

/// A named gradient from the lower to the upper contrast limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum Colormap {
    #[default]
    Gray,
    GrayInverted,
    Viridis,
    Magma,
    Inferno,
    Cividis,
    Turbo,
    Red,
    Green,
    Blue,
    Cyan,
    Magenta,
    /// For numbers that name things, such as the cells of a segmentation: each whole number has a colour of
    /// its own, unlike those of its neighbours, whatever the contrast limits; zero is black.
    Labels,
    /// Gray, but for voxels of value zero, which are blue, and voxels at full scale, which are red.
    /// Both are told by the value itself, whatever the contrast limits.
    Saturation,
    /// From black to a colour (red, green, blue), that of a channel's light. Not among [`Self::ALL`].
    Tint([u8; 3]),
}

/// Colours of the 256 steps of a gradient, RGBA, opaque, as a screen takes them (gamma-encoded sRGB).
pub type Lut = [[u8; 4]; 256];

impl Colormap {
    /// All colormaps in the order they are offered.
    pub const ALL: [Self; 14] = [
        Self::Gray,
        Self::GrayInverted,
        Self::Viridis,
        Self::Magma,
        Self::Inferno,
        Self::Cividis,
        Self::Turbo,
        Self::Red,
        Self::Green,
        Self::Blue,
        Self::Cyan,
        Self::Magenta,
        Self::Labels,
        Self::Saturation,
    ];

    /// Light that no other gradient has.
    pub const YELLOW: Self = Self::Tint([255, 255, 0]);
    /// Light that no other gradient has.
    pub const ORANGE: Self = Self::Tint([255, 128, 0]);

    /// What [`Self::Saturation`] paints voxels of value zero with.
    pub const ZERO_COLOR: [u8; 4] = [40, 90, 255, 255];
    /// What [`Self::Saturation`] paints voxels at full scale with.
    pub const FULL_SCALE_COLOR: [u8; 4] = [255, 40, 40, 255];

    /// From black to a colour (red, green, blue), by the name the gradient has where it has one.
    pub fn of_light(color: [u8; 3]) -> Self {
        let named = [Self::Gray, Self::Red, Self::Green, Self::Blue, Self::Cyan, Self::Magenta];
        let [r, g, b] = color;
        named.into_iter().find(|named| named.color(255) == [r, g, b, 255]).unwrap_or(Self::Tint(color))
    }

    /// Stable lower-case name, for settings and the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gray => "gray",
            Self::GrayInverted => "gray-inverted",
            Self::Viridis => "viridis",
            Self::Magma => "magma",
            Self::Inferno => "inferno",
            Self::Cividis => "cividis",
            Self::Turbo => "turbo",
            Self::Red => "red",
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Cyan => "cyan",
            Self::Magenta => "magenta",
            Self::Labels => "labels",
            Self::Saturation => "saturation",
            Self::YELLOW => "yellow",
            Self::ORANGE => "orange",
            Self::Tint(_) => "tint",
        }
    }

    /// The colormap of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut known = Self::ALL.into_iter().chain([Self::YELLOW, Self::ORANGE]);
        known.find(|colormap| colormap.name().eq_ignore_ascii_case(name))
    }

    /// Label in the window.
    pub fn label(self) -> &'static str {
        match self {
            Self::Gray => "Gray",
            Self::GrayInverted => "Gray inverted",
            Self::Viridis => "Viridis",
            Self::Magma => "Magma",
            Self::Inferno => "Inferno",
            Self::Cividis => "Cividis",
            Self::Turbo => "Turbo",
            Self::Red => "Red",
            Self::Green => "Green",
            Self::Blue => "Blue",
            Self::Cyan => "Cyan",
            Self::Magenta => "Magenta",
            Self::Labels => "Labels",
            Self::Saturation => "Saturation",
            Self::YELLOW => "Yellow",
            Self::ORANGE => "Orange",
            Self::Tint(_) => "Tint",
        }
    }

    /// The 256 colours, lowest value first.
    pub fn lut(self) -> Lut {
        match self {
            Self::Tint(_) => self.build(),
            named => *named.table(),
        }
    }

    /// One of the 256 colours.
    pub fn color(self, step: u8) -> [u8; 4] {
        match self {
            Self::Tint(color) => tint(color, step),
            named => named.table()[usize::from(step)],
        }
    }

    /// The colours of a gradient that has a name.
    fn table(self) -> &'static Lut {
        static LUTS: LazyLock<Vec<Lut>> = LazyLock::new(|| Colormap::ALL.map(Colormap::build).to_vec());
        let index = Self::ALL.iter().position(|named| *named == self);
        &LUTS[index.unwrap_or(0)]
    }

    fn build(self) -> Lut {
        let light = |color: [u8; 3]| move |i: u8| tint(color, i);
        let gradient = |gradient: colorous::Gradient| {
            move |i: u8| {
                let color = gradient.eval_rational(usize::from(i), 256);
                [color.r, color.g, color.b, 255]
            }
        };
        let fill = |color: &dyn Fn(u8) -> [u8; 4]| std::array::from_fn(|i| color(i as u8));
        match self {
            Self::Gray => fill(&light([255, 255, 255])),
            Self::GrayInverted => fill(&|i| [255 - i, 255 - i, 255 - i, 255]),
            Self::Viridis => fill(&gradient(colorous::VIRIDIS)),
            Self::Magma => fill(&gradient(colorous::MAGMA)),
            Self::Inferno => fill(&gradient(colorous::INFERNO)),
            Self::Cividis => fill(&gradient(colorous::CIVIDIS)),
            Self::Turbo => fill(&gradient(colorous::TURBO)),
            Self::Red => fill(&light([255, 0, 0])),
            Self::Green => fill(&light([0, 255, 0])),
            Self::Blue => fill(&light([0, 0, 255])),
            Self::Cyan => fill(&light([0, 255, 255])),
            Self::Magenta => fill(&light([255, 0, 255])),
            Self::Labels => fill(&label_color),
            Self::Saturation => {
                let mut lut: Lut = fill(&light([255, 255, 255]));
                lut[0] = Self::ZERO_COLOR;
                lut[255] = Self::FULL_SCALE_COLOR;
                lut
            }
            Self::Tint(color) => fill(&light(color)),
        }
    }
}

/// A step on the way from black to a colour.
fn tint(color: [u8; 3], step: u8) -> [u8; 4] {
    let [r, g, b] = color.map(|channel| ((u16::from(channel) * u16::from(step) + 127) / 255) as u8);
    [r, g, b, 255]
}

/// The step of the table that [`Colormap::Labels`] gives a number: 255 colours in turn, black for zero.
pub(super) fn label_step(value: f64) -> usize {
    let whole = value.trunc();
    // The remainder of doubles is exact.
    if whole == 0.0 || !whole.is_finite() { 0 } else { 1 + (whole.rem_euclid(255.0) as usize + 254) % 255 }
}

/// Hues a golden angle apart, of three lightnesses in turn.
fn label_color(step: u8) -> [u8; 4] {
    if step == 0 {
        return [0, 0, 0, 255];
    }
    let hue = (f64::from(step) * 0.618_033_988_7).fract() * 6.0;
    let [lightness, strength] = [[0.62, 0.9], [0.45, 0.75], [0.78, 0.7]][usize::from(step % 3)];
    let chroma = (1.0 - f64::abs(2.0 * lightness - 1.0)) * strength;
    let channel = |offset: f64| {
        let place = (hue + offset).rem_euclid(6.0);
        let share = (f64::abs(place - 3.0) - 1.0).clamp(0.0, 1.0);
        ((lightness + chroma * (share - 0.5)) * 255.0).round() as u8
    };
    [channel(0.0), channel(4.0), channel(2.0), 255]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_labels_are_unlike_and_none_but_zero_is_black() {
        let lut = Colormap::Labels.lut();
        assert!(lut.iter().skip(1).all(|color| color[..3].iter().any(|&channel| channel > 90)));
        for label in -600i32..600 {
            let [a, b] = [label, label + 1].map(|label| lut[label_step(f64::from(label))]);
            let apart: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum();
            assert!(apart > 120, "{label}: {a:?} beside {b:?}");
        }
        let far = 4_294_967_290.0;
        assert_eq!(label_step(far + 5.0), label_step(far - 250.0));
        assert_eq!((label_step(0.0), label_step(f64::NAN), label_step(255.0), label_step(256.0)), (0, 0, 255, 1));
    }

    #[test]
    fn every_colormap_is_named_once_and_has_its_published_ends() {
        for colormap in Colormap::ALL {
            assert_eq!(Colormap::from_name(colormap.name()), Some(colormap));
            assert!(colormap.lut().iter().all(|color| color[3] == 255));
            assert!((0..=255).all(|step| colormap.color(step) == colormap.lut()[usize::from(step)]));
        }
        assert_eq!(Colormap::Gray.lut()[137], [137, 137, 137, 255]);
        assert_eq!(Colormap::GrayInverted.lut()[0], [255, 255, 255, 255]);
        assert_eq!(Colormap::Viridis.lut()[0], [68, 1, 84, 255]);
        assert_eq!(Colormap::Viridis.lut()[255], [253, 231, 37, 255]);
        assert_eq!(Colormap::Magma.lut()[0], [0, 0, 4, 255]);
        assert_eq!(Colormap::Inferno.lut()[255], [252, 255, 164, 255]);
        assert_eq!(Colormap::Magenta.lut()[200], [200, 0, 200, 255]);
        assert_eq!(Colormap::from_name("nothing"), None);
        for color in [[255; 3], [0, 255, 255], [255, 255, 0], [12, 200, 37]] {
            let light = Colormap::of_light(color);
            assert_eq!(light.lut()[0], [0, 0, 0, 255]);
            assert_eq!(light.color(255)[..3], color);
        }
        assert_eq!(Colormap::of_light([0, 255, 255]), Colormap::Cyan);
        assert_eq!(Colormap::Tint([0, 255, 255]).lut(), Colormap::Cyan.lut());
    }
}
