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
    /// Gray, but for voxels of value zero, which are blue, and voxels at full scale, which are red.
    /// Both are told by the value itself, whatever the contrast limits.
    Saturation,
}

/// Colours of the 256 steps of a gradient, RGBA, opaque, as a screen takes them (gamma-encoded sRGB).
pub type Lut = [[u8; 4]; 256];

impl Colormap {
    /// All colormaps in the order they are offered.
    pub const ALL: [Self; 13] = [
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
        Self::Saturation,
    ];

    /// What [`Self::Saturation`] paints voxels of value zero with.
    pub const ZERO_COLOR: [u8; 4] = [40, 90, 255, 255];
    /// What [`Self::Saturation`] paints voxels at full scale with.
    pub const FULL_SCALE_COLOR: [u8; 4] = [255, 40, 40, 255];

    /// Position in [`Self::ALL`].
    pub fn index(self) -> usize {
        self as usize
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
            Self::Saturation => "saturation",
        }
    }

    /// The colormap of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|colormap| colormap.name().eq_ignore_ascii_case(name))
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
            Self::Saturation => "Saturation",
        }
    }

    /// The 256 colours, lowest value first.
    pub fn lut(self) -> &'static Lut {
        static LUTS: LazyLock<Vec<Lut>> = LazyLock::new(|| Colormap::ALL.map(Colormap::build).to_vec());
        &LUTS[self.index()]
    }

    fn build(self) -> Lut {
        let tint = |mask: [u8; 3]| move |i: u8| [i & mask[0], i & mask[1], i & mask[2], 255];
        let gradient = |gradient: colorous::Gradient| {
            move |i: u8| {
                let color = gradient.eval_rational(usize::from(i), 256);
                [color.r, color.g, color.b, 255]
            }
        };
        let fill = |color: &dyn Fn(u8) -> [u8; 4]| std::array::from_fn(|i| color(i as u8));
        match self {
            Self::Gray => fill(&tint([255, 255, 255])),
            Self::GrayInverted => fill(&|i| [255 - i, 255 - i, 255 - i, 255]),
            Self::Viridis => fill(&gradient(colorous::VIRIDIS)),
            Self::Magma => fill(&gradient(colorous::MAGMA)),
            Self::Inferno => fill(&gradient(colorous::INFERNO)),
            Self::Cividis => fill(&gradient(colorous::CIVIDIS)),
            Self::Turbo => fill(&gradient(colorous::TURBO)),
            Self::Red => fill(&tint([255, 0, 0])),
            Self::Green => fill(&tint([0, 255, 0])),
            Self::Blue => fill(&tint([0, 0, 255])),
            Self::Cyan => fill(&tint([0, 255, 255])),
            Self::Magenta => fill(&tint([255, 0, 255])),
            Self::Saturation => {
                let mut lut: Lut = fill(&tint([255, 255, 255]));
                lut[0] = Self::ZERO_COLOR;
                lut[255] = Self::FULL_SCALE_COLOR;
                lut
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colormap_is_named_once_and_has_its_published_ends() {
        for (i, colormap) in Colormap::ALL.into_iter().enumerate() {
            assert_eq!(colormap.index(), i);
            assert_eq!(Colormap::from_name(colormap.name()), Some(colormap));
            assert!(colormap.lut().iter().all(|color| color[3] == 255));
        }
        assert_eq!(Colormap::Gray.lut()[137], [137, 137, 137, 255]);
        assert_eq!(Colormap::GrayInverted.lut()[0], [255, 255, 255, 255]);
        assert_eq!(Colormap::Viridis.lut()[0], [68, 1, 84, 255]);
        assert_eq!(Colormap::Viridis.lut()[255], [253, 231, 37, 255]);
        assert_eq!(Colormap::Magma.lut()[0], [0, 0, 4, 255]);
        assert_eq!(Colormap::Inferno.lut()[255], [252, 255, 164, 255]);
        assert_eq!(Colormap::Magenta.lut()[200], [200, 0, 200, 255]);
        assert_eq!(Colormap::from_name("nothing"), None);
    }
}
