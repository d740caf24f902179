//! The pool of textures: reused by size and format, least recently used first, and never more bytes of
//! them than the budget.

use std::sync::Arc;

use super::pipelines::{Pipelines, texture};
use super::shaders::Variant;
use super::texel::Texel;

/// What makes two textures interchangeable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextureKey {
    /// Columns and rows of a layer.
    pub(super) size: [u32; 2],
    pub(super) num_layers: u32,
    pub(super) texel: Texel,
    /// Whether shaders write to it.
    pub(super) is_target: bool,
}

impl TextureKey {
    /// How shaders see the texture.
    pub(super) fn variant(&self) -> Variant {
        Variant { kind: self.texel.kind(), is_layered: self.num_layers > 1 }
    }

    /// The same with a layer more where GL would take the layers for the sides of cubes.
    pub(super) fn without_cubes(self) -> Self {
        let is_cubic = self.size[0] == self.size[1] && self.num_layers.is_multiple_of(6);
        Self { num_layers: self.num_layers + u32::from(is_cubic), ..self }
    }

    pub(super) fn num_bytes(&self) -> usize {
        self.size[0] as usize * self.size[1] as usize * self.num_layers as usize * self.texel.num_bytes()
    }
}

/// The right to a texture's content; worthless once the texture was given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    index: usize,
    serial: u64,
}

/// Keeps a texture from being given to another, until it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    _count: Arc<()>,
}

struct Entry {
    key: TextureKey,
    texture: wgpu::Texture,
    bind_group: wgpu::BindGroup,
    /// Serial of the lease that owns the content.
    serial: u64,
    last_used: u64,
    /// Counts the [`Hold`]s beside itself.
    holds: Arc<()>,
}

impl Entry {
    /// Whether nobody needs its content where something else has to be drawn in `frame`.
    fn is_free_in(&self, frame: u64) -> bool {
        self.last_used < frame && Arc::strong_count(&self.holds) == 1
    }
}

/// Textures of one size to keep before they are used in turn. Uploading a picture again costs a copy;
/// this is only so that going back and forth costs nothing.
const MAX_PER_KEY: usize = 24;

/// Last use of a texture whose content nobody wants; frames count from 1.
const FREE: u64 = 0;

pub(super) struct Textures {
    device: wgpu::Device,
    budget_bytes: usize,
    num_bytes: usize,
    entries: Vec<Option<Entry>>,
    next_serial: u64,
    num_created: u64,
}

impl Textures {
    pub(super) fn new(device: wgpu::Device, budget_bytes: usize) -> Self {
        Self { device, budget_bytes, num_bytes: 0, entries: Vec::new(), next_serial: 0, num_created: 0 }
    }

    /// Bytes of all textures held.
    pub(super) fn num_bytes(&self) -> usize {
        self.num_bytes
    }

    pub(super) fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    /// Textures and bind groups made so far.
    pub(super) fn num_created(&self) -> u64 {
        self.num_created
    }

    /// A texture of this kind with undefined content. What was used in `frame` is not taken from its
    /// owner; `None` if the budget then has no room.
    pub(super) fn lease(&mut self, key: TextureKey, frame: u64, pipelines: &Pipelines) -> Option<Lease> {
        let need = key.num_bytes();
        let same =
            || self.entries.iter().enumerate().filter_map(|(i, e)| Some((i, e.as_ref()?))).filter(|e| e.1.key == key);
        // What shaders write to is kept and given up by those who wanted it.
        let is_room = self.num_bytes + need <= self.budget_bytes && (key.is_target || same().count() < MAX_PER_KEY);
        let oldest = same().filter(|(_, e)| e.is_free_in(frame)).min_by_key(|(_, e)| e.last_used);
        let is_unwanted = |e: &Entry| e.last_used == FREE || e.key.is_target && Arc::strong_count(&e.holds) == 1;
        let oldest = oldest.filter(|(_, e)| is_unwanted(e) || !is_room).map(|(index, _)| index);
        if let Some(index) = oldest
            && let Some(entry) = &mut self.entries[index]
        {
            self.next_serial += 1;
            entry.serial = self.next_serial;
            entry.last_used = frame;
            return Some(Lease { index, serial: entry.serial });
        }
        while self.num_bytes + need > self.budget_bytes {
            self.evict_oldest(frame)?;
        }
        Some(self.create(key, frame, pipelines))
    }

    /// Gives a texture back: the next that needs one like it takes it.
    pub(super) fn release(&mut self, lease: Lease) {
        if self.touch(lease, FREE)
            && let Some(entry) = &mut self.entries[lease.index]
        {
            self.next_serial += 1;
            entry.serial = self.next_serial;
        }
    }

    /// Marks the content as used; `false` if it is gone.
    pub(super) fn touch(&mut self, lease: Lease, frame: u64) -> bool {
        match self.entries.get_mut(lease.index) {
            Some(Some(entry)) if entry.serial == lease.serial => {
                entry.last_used = frame;
                true
            }
            _ => false,
        }
    }

    /// The right to keep the content; `None` if it is gone.
    pub(super) fn hold(&self, lease: Lease) -> Option<Hold> {
        self.entry(lease).map(|entry| Hold { _count: Arc::clone(&entry.holds) })
    }

    /// Whether the content is still there.
    pub(super) fn holds(&self, lease: Lease) -> bool {
        self.entry(lease).is_some()
    }

    pub(super) fn texture(&self, lease: Lease) -> Option<&wgpu::Texture> {
        self.entry(lease).map(|entry| &entry.texture)
    }

    pub(super) fn bind_group(&self, lease: Lease) -> Option<&wgpu::BindGroup> {
        self.entry(lease).map(|entry| &entry.bind_group)
    }

    pub(super) fn key(&self, lease: Lease) -> Option<TextureKey> {
        self.entry(lease).map(|entry| entry.key)
    }

    fn entry(&self, lease: Lease) -> Option<&Entry> {
        self.entries.get(lease.index)?.as_ref().filter(|entry| entry.serial == lease.serial)
    }

    /// Gives all textures back that nobody holds, those included that the device had no memory for, and is
    /// content with half as much from now on.
    pub(super) fn halve_budget(&mut self) {
        self.budget_bytes /= 2;
        while self.evict_oldest(u64::MAX).is_some() {}
    }

    fn evict_oldest(&mut self, frame: u64) -> Option<()> {
        let oldest = self
            .entries
            .iter_mut()
            .filter(|slot| slot.as_ref().is_some_and(|entry| entry.is_free_in(frame)))
            .min_by_key(|slot| slot.as_ref().map(|entry| entry.last_used))?;
        let entry = oldest.take()?;
        self.num_bytes -= entry.key.num_bytes();
        // The memory itself is freed when the frames that use it are done.
        entry.texture.destroy();
        Some(())
    }

    fn create(&mut self, key: TextureKey, frame: u64, pipelines: &Pipelines) -> Lease {
        let mut usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
        if key.is_target {
            usage |= wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC;
        }
        let size = [key.size[0], key.size[1], key.num_layers];
        let texture = self.device.create_texture(&texture("voxels", size, key.texel.format(), usage));
        let bind_group = pipelines.bind_texture(key.variant(), &texture);
        self.num_created += 2;
        self.next_serial += 1;
        self.num_bytes += key.num_bytes();
        let entry =
            Entry { key, texture, bind_group, serial: self.next_serial, last_used: frame, holds: Arc::default() };
        let index = self.entries.iter().position(Option::is_none).unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() - 1
        });
        self.entries[index] = Some(entry);
        Lease { index, serial: self.next_serial }
    }
}
