//! The renderer: owns every GPU object.

mod device;
mod offscreen;
mod readback;
mod shaders;

pub use device::{RenderError, device_descriptor, headless, is_software, wgpu_setup};
pub use offscreen::OffscreenTarget;
pub use shaders::sources as shader_sources;
