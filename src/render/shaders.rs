//! The shader sources, put together from `shaders/`: one variant for each kind of texture.

const GAMMA: &str = include_str!("../../shaders/shared/gamma.wgsl");

/// The interface.
pub(super) const INTERFACE: &str = include_str!("../../shaders/interface.wgsl");

/// The window as it was kept.
pub(super) const KEPT: &str = include_str!("../../shaders/kept.wgsl");

const KEYS_NARROW: &str = include_str!("../../shaders/shared/keys_narrow.wgsl");
const KEYS_WIDE: &str = include_str!("../../shaders/shared/keys_wide.wgsl");

/// Kinds of texels a shader reads. Those of 32 and 64 bits that single precision cannot tell apart have
/// arithmetic of their own, so that the common ones cost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TexelKind {
    Uint,
    Sint,
    Float,
    Uint32,
    Sint32,
    Uint64,
    Sint64,
    Float64,
}

impl TexelKind {
    const ALL: [Self; 8] =
        [Self::Uint, Self::Sint, Self::Float, Self::Uint32, Self::Sint32, Self::Uint64, Self::Sint64, Self::Float64];
}

/// What the type of a texture in WGSL depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    pub(super) kind: TexelKind,
    /// An array texture; GL takes one with a single layer for something else.
    pub(super) is_layered: bool,
}

impl Variant {
    pub(super) const NUM: usize = 2 * TexelKind::ALL.len();

    /// All, each at its index.
    pub(super) fn all() -> [Self; Self::NUM] {
        std::array::from_fn(|index| Self { kind: TexelKind::ALL[index / 2], is_layered: index % 2 == 1 })
    }

    pub(super) fn index(self) -> usize {
        self.kind as usize * 2 + usize::from(self.is_layered)
    }

    /// The variant of a missing-data mask beside voxels of this one.
    pub(super) fn mask(self) -> Self {
        Self { kind: TexelKind::Uint, ..self }
    }

    pub(super) fn sample_type(self) -> wgpu::TextureSampleType {
        match self.kind {
            TexelKind::Uint | TexelKind::Uint32 => wgpu::TextureSampleType::Uint,
            TexelKind::Sint | TexelKind::Sint32 => wgpu::TextureSampleType::Sint,
            // Halves of 64 bits, whatever they mean.
            TexelKind::Uint64 | TexelKind::Sint64 | TexelKind::Float64 => wgpu::TextureSampleType::Uint,
            TexelKind::Float => wgpu::TextureSampleType::Float { filterable: false },
        }
    }

    pub(super) fn dimension(self) -> wgpu::TextureViewDimension {
        if self.is_layered { wgpu::TextureViewDimension::D2Array } else { wgpu::TextureViewDimension::D2 }
    }

    /// What precedes every shader: how it reads a voxel.
    fn prelude(self) -> String {
        let texel = match self.kind {
            TexelKind::Uint | TexelKind::Uint32 => include_str!("../../shaders/shared/texel_uint.wgsl"),
            TexelKind::Sint | TexelKind::Sint32 => include_str!("../../shaders/shared/texel_sint.wgsl"),
            TexelKind::Float => include_str!("../../shaders/shared/texel_float.wgsl"),
            TexelKind::Uint64 | TexelKind::Sint64 | TexelKind::Float64 => {
                include_str!("../../shaders/shared/texel_pair.wgsl")
            }
        };
        let layers = match self.is_layered {
            true => include_str!("../../shaders/shared/many_layers.wgsl"),
            false => include_str!("../../shaders/shared/one_layer.wgsl"),
        };
        [texel, include_str!("../../shaders/shared/tiles.wgsl"), layers].concat()
    }
}

/// How a voxel becomes a number that single precision tells from its neighbours.
fn offset(kind: TexelKind) -> String {
    let (key, rest) = match kind {
        TexelKind::Uint | TexelKind::Sint => ("", include_str!("../../shaders/shared/offset_narrow.wgsl")),
        TexelKind::Float => ("", include_str!("../../shaders/shared/offset_float.wgsl")),
        TexelKind::Uint32 => (include_str!("../../shaders/shared/key_uint32.wgsl"), KEYS_NARROW),
        TexelKind::Sint32 => (include_str!("../../shaders/shared/key_sint32.wgsl"), KEYS_NARROW),
        TexelKind::Uint64 => (include_str!("../../shaders/shared/key_uint64.wgsl"), KEYS_WIDE),
        TexelKind::Sint64 => (include_str!("../../shaders/shared/key_sint64.wgsl"), KEYS_WIDE),
        TexelKind::Float64 => (include_str!("../../shaders/shared/key_float64.wgsl"), KEYS_WIDE),
    };
    [key, rest].concat()
}

/// The shader that draws a plane.
pub(super) fn plane(variant: Variant) -> String {
    variant.prelude()
        + &offset(variant.kind)
        + GAMMA
        + include_str!("../../shaders/shared/hatch.wgsl")
        + include_str!("../../shaders/plane.wgsl")
}

/// The shader that draws a plane whose pixels were coloured on the CPU.
pub(super) fn pixels() -> String {
    plane(Variant { kind: TexelKind::Float, is_layered: false }) + include_str!("../../shaders/pixels.wgsl")
}

/// The shader of flat areas.
pub(super) fn fill() -> String {
    GAMMA.to_owned() + include_str!("../../shaders/fill.wgsl")
}

/// The shader that folds a volume; `None` for types that the CPU folds.
pub(super) fn project(variant: Variant) -> Option<String> {
    let fold = match variant.kind {
        TexelKind::Float => include_str!("../../shaders/shared/fold_float.wgsl"),
        TexelKind::Uint | TexelKind::Sint | TexelKind::Uint32 | TexelKind::Sint32 => {
            include_str!("../../shaders/shared/fold_integer.wgsl")
        }
        TexelKind::Uint64 | TexelKind::Sint64 | TexelKind::Float64 => return None,
    };
    Some(variant.prelude() + include_str!("../../shaders/project.wgsl") + fold)
}

/// Every complete shader with its name, for validation.
#[cfg(test)]
fn sources() -> Vec<(String, String)> {
    Variant::all()
        .into_iter()
        .flat_map(|v| [Some((format!("plane {v:?}"), plane(v))), project(v).map(|s| (format!("project {v:?}"), s))])
        .flatten()
        .chain([("pixels".to_owned(), pixels()), ("kept".to_owned(), KEPT.to_owned())])
        .chain([("fill".to_owned(), fill()), ("interface".to_owned(), INTERFACE.to_owned())])
        .collect()
}

#[cfg(test)]
mod tests {
    use wgpu::naga;

    #[test]
    fn every_shader_is_valid() {
        for (name, source) in super::sources() {
            let module = naga::front::wgsl::parse_str(&source)
                .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(&source)));
            naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty())
                .validate(&module)
                .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(&source)));
        }
    }
}
