//! Choosing an adapter and asking for a device: real hardware first, a software rasteriser rather than
//! nothing, and always with the adapter's own limits instead of a library's defaults.

use std::sync::Arc;

use egui_wgpu::{RenderState, RendererOptions, WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};

/// Why the GPU could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// No graphics driver at all.
    #[error("no graphics adapter was found; install a Vulkan or OpenGL driver (Mesa's software one will do)")]
    NoAdapter,
    /// The driver refused.
    #[error("the graphics device could not be opened: {0}")]
    Device(String),
    /// Drawing or reading back failed.
    #[error("drawing failed: {0}")]
    Lost(String),
    /// A window or image larger than the device can draw.
    #[error("an image of {width} × {height} pixels is larger than the graphics device allows ({limit})")]
    TooLarge {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
        /// Largest side of the device.
        limit: u32,
    },
    /// The GPU cannot do what was asked with the exactness that is promised; the CPU can.
    #[error("not possible on this graphics device: {0}")]
    Unsupported(String),
}

/// What to ask of a device on `adapter`: no optional features, and all it can hold. Volumes exceed the
/// usual defaults (256 for 3-D textures on GL, 2048 for the layers of an array).
pub fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    wgpu::DeviceDescriptor {
        label: Some("tectum"),
        required_limits: adapter.limits(),
        // Textures are pooled here, so the driver need not hoard memory for us.
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    }
}

/// Whether an adapter computes on the CPU.
pub fn is_software(adapter: &wgpu::Adapter) -> bool {
    adapter.get_info().device_type == wgpu::DeviceType::Cpu
}

/// Lower is better.
fn rank(info: &wgpu::AdapterInfo) -> (u8, u8) {
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    };
    let backend = match info.backend {
        wgpu::Backend::Metal | wgpu::Backend::Vulkan => 0,
        wgpu::Backend::Dx12 => 1,
        wgpu::Backend::Gl => 2,
        wgpu::Backend::BrowserWebGpu | wgpu::Backend::Noop => 3,
    };
    (kind, backend)
}

fn setup(prefer_software: bool) -> WgpuSetupCreateNew {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    setup.device_descriptor = Arc::new(device_descriptor);
    setup.native_adapter_selector = Some(Arc::new(move |adapters, surface| {
        adapters
            .iter()
            .filter(|adapter| surface.is_none_or(|surface| adapter.is_surface_supported(surface)))
            .filter(|adapter| adapter.get_info().backend != wgpu::Backend::Noop)
            .min_by_key(|adapter| (prefer_software && !is_software(adapter), rank(&adapter.get_info())))
            .cloned()
            .ok_or_else(|| RenderError::NoAdapter.to_string())
    }));
    setup
}

/// The set-up of the window. `WGPU_BACKEND` (`vulkan`, `gl`, …) narrows the choice.
pub fn wgpu_setup() -> WgpuSetup {
    setup(false).into()
}

/// A device without a window. With `prefer_software` the software adapter is taken where there is one,
/// whose pixels do not depend on the machine's graphics card.
pub fn headless(prefer_software: bool) -> Result<RenderState, RenderError> {
    let config = WgpuConfiguration { wgpu_setup: setup(prefer_software).into(), ..Default::default() };
    let instance = pollster::block_on(config.wgpu_setup.new_instance());
    pollster::block_on(RenderState::create(&config, &instance, None, RendererOptions::PREDICTABLE)).map_err(|error| {
        match error {
            egui_wgpu::WgpuError::CustomNativeAdapterSelectionError(_)
            | egui_wgpu::WgpuError::RequestAdapterError(_) => RenderError::NoAdapter,
            other => RenderError::Device(other.to_string()),
        }
    })
}

#[cfg(test)]
mod tests {
    use wgpu::{AdapterInfo, Backend, DeviceType};

    use super::rank;

    #[test]
    fn hardware_comes_before_software_whatever_the_driver() {
        let of = |kind, backend| rank(&AdapterInfo::new(kind, backend));
        assert!(of(DeviceType::DiscreteGpu, Backend::Vulkan) < of(DeviceType::DiscreteGpu, Backend::Gl));
        assert!(of(DeviceType::IntegratedGpu, Backend::Gl) < of(DeviceType::Cpu, Backend::Vulkan));
        assert!(of(DeviceType::DiscreteGpu, Backend::Gl) < of(DeviceType::IntegratedGpu, Backend::Vulkan));
    }
}
