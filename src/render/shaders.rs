//! The shader sources, put together from `shaders/`: one variant for each kind of texture.

const GAMMA: &str = include_str!("../../shaders/shared/gamma.wgsl");

/// The interface.
pub(super) const INTERFACE: &str = include_str!("../../shaders/interface.wgsl");

/// Kinds of texels a shader reads; WGSL has a texture type for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TexelKind {
    Uint,
    Sint,
    Float,
}

/// What the type of a texture in WGSL depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    pub(super) kind: TexelKind,
    /// An array texture; GL takes one with a single layer for something else.
    pub(super) is_layered: bool,
}

impl Variant {
    pub(super) const NUM: usize = 6;

    pub(super) const ALL: [Self; Self::NUM] = [
        Self { kind: TexelKind::Uint, is_layered: false },
        Self { kind: TexelKind::Uint, is_layered: true },
        Self { kind: TexelKind::Sint, is_layered: false },
        Self { kind: TexelKind::Sint, is_layered: true },
        Self { kind: TexelKind::Float, is_layered: false },
        Self { kind: TexelKind::Float, is_layered: true },
    ];

    pub(super) fn index(self) -> usize {
        self.kind as usize * 2 + usize::from(self.is_layered)
    }

    /// The variant of a missing-data mask beside voxels of this one.
    pub(super) fn mask(self) -> Self {
        Self { kind: TexelKind::Uint, ..self }
    }

    pub(super) fn sample_type(self) -> wgpu::TextureSampleType {
        match self.kind {
            TexelKind::Uint => wgpu::TextureSampleType::Uint,
            TexelKind::Sint => wgpu::TextureSampleType::Sint,
            TexelKind::Float => wgpu::TextureSampleType::Float { filterable: false },
        }
    }

    pub(super) fn dimension(self) -> wgpu::TextureViewDimension {
        if self.is_layered { wgpu::TextureViewDimension::D2Array } else { wgpu::TextureViewDimension::D2 }
    }

    /// What precedes every shader: how it reads a voxel.
    fn prelude(self) -> String {
        let texel = match self.kind {
            TexelKind::Uint => include_str!("../../shaders/shared/texel_uint.wgsl"),
            TexelKind::Sint => include_str!("../../shaders/shared/texel_sint.wgsl"),
            TexelKind::Float => include_str!("../../shaders/shared/texel_float.wgsl"),
        };
        let layers = match self.is_layered {
            true => include_str!("../../shaders/shared/many_layers.wgsl"),
            false => include_str!("../../shaders/shared/one_layer.wgsl"),
        };
        [texel, include_str!("../../shaders/shared/tiles.wgsl"), layers].concat()
    }
}

/// The shader that draws a plane.
pub(super) fn plane(variant: Variant) -> String {
    variant.prelude()
        + GAMMA
        + include_str!("../../shaders/shared/hatch.wgsl")
        + include_str!("../../shaders/plane.wgsl")
}

/// The shader of flat areas.
pub(super) fn fill() -> String {
    GAMMA.to_owned() + include_str!("../../shaders/fill.wgsl")
}

/// The shader that folds a volume.
pub(super) fn project(variant: Variant) -> String {
    let fold = match variant.kind {
        TexelKind::Float => include_str!("../../shaders/shared/fold_float.wgsl"),
        TexelKind::Uint | TexelKind::Sint => include_str!("../../shaders/shared/fold_integer.wgsl"),
    };
    variant.prelude() + include_str!("../../shaders/project.wgsl") + fold
}

/// Every complete shader with its name, for validation.
#[cfg(test)]
fn sources() -> Vec<(String, String)> {
    Variant::ALL
        .into_iter()
        .flat_map(|v| [(format!("plane {v:?}"), plane(v)), (format!("project {v:?}"), project(v))])
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
