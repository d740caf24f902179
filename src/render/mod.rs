//! The renderer: owns every GPU object. Planes come as [`Wanted`] and are drawn as [`PlaneDraw`]s of what it
//! answered, so that it is tested with arrays and knows nothing of files, caches or panels.
//!
//! Voxels are uploaded in their own type; contrast, gamma, colormap, inversion and zoom are uniforms.
//! Scrubbing through cached data makes no GPU objects: textures come from a pool under a byte budget.

mod busy;
mod canvas;
mod colors;
mod copy;
mod damage;
mod device;
mod fill;
mod folded;
mod health;
mod interface;
mod kept;
mod offscreen;
mod offsets;
mod pipelines;
mod planes;
mod projector;
mod readback;
mod recording;
mod renderer;
mod shaders;
mod show;
mod software;
mod stand_in;
mod texel;
mod textures;
mod tile;
mod tiling;
mod uniforms;
mod volumes;

pub use canvas::{PlaneDraw, canvas_shape};
pub use device::{RenderError, device_descriptor, headless, is_software, wgpu_setup};
pub use kept::KeptWindow;
pub use offscreen::OffscreenTarget;
pub use renderer::{GpuConfig, GpuStats, RendererHandle, install};
pub use show::{Drawn, Wanted, WantedTile};
pub use tile::Tile;
