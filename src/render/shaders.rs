//! The shader sources, put together from `shaders/`: one variant for each kind of texel.

/// Kinds of texels a shader reads; WGSL has a texture type for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TexelKind {
    Uint,
    Sint,
    Float,
}

impl TexelKind {
    pub(super) const ALL: [Self; 3] = [Self::Uint, Self::Sint, Self::Float];

    pub(super) fn sample_type(self) -> wgpu::TextureSampleType {
        match self {
            Self::Uint => wgpu::TextureSampleType::Uint,
            Self::Sint => wgpu::TextureSampleType::Sint,
            Self::Float => wgpu::TextureSampleType::Float { filterable: false },
        }
    }
}

const TILES: &str = include_str!("../../shaders/shared/tiles.wgsl");
const HATCH: &str = include_str!("../../shaders/shared/hatch.wgsl");
const TEXEL_UINT: &str = include_str!("../../shaders/shared/texel_uint.wgsl");
const TEXEL_SINT: &str = include_str!("../../shaders/shared/texel_sint.wgsl");
const TEXEL_FLOAT: &str = include_str!("../../shaders/shared/texel_float.wgsl");
const FOLD_INTEGER: &str = include_str!("../../shaders/shared/fold_integer.wgsl");
const FOLD_FLOAT: &str = include_str!("../../shaders/shared/fold_float.wgsl");
const PLANE: &str = include_str!("../../shaders/plane.wgsl");
const PROJECT: &str = include_str!("../../shaders/project.wgsl");

fn texel(kind: TexelKind) -> &'static str {
    match kind {
        TexelKind::Uint => TEXEL_UINT,
        TexelKind::Sint => TEXEL_SINT,
        TexelKind::Float => TEXEL_FLOAT,
    }
}

/// The shader that draws a plane.
pub(super) fn plane(kind: TexelKind) -> String {
    [texel(kind), TILES, HATCH, PLANE].concat()
}

/// The shader that folds a volume.
pub(super) fn project(kind: TexelKind) -> String {
    let fold = if kind == TexelKind::Float { FOLD_FLOAT } else { FOLD_INTEGER };
    [texel(kind), TILES, PROJECT, fold].concat()
}

/// Every complete shader with its name, for validation.
pub fn sources() -> Vec<(String, String)> {
    TexelKind::ALL
        .iter()
        .flat_map(|&kind| [(format!("plane {kind:?}"), plane(kind)), (format!("project {kind:?}"), project(kind))])
        .collect()
}
