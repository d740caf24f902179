//! A virtual dataset in one state: its mappings, its sources, and how far it reaches.

use std::path::Path;
use std::sync::Arc;

use super::extent;
use super::pairing::Pairing;
use super::slots::{Context, OpenArray, Slot};
use super::table::{Table, Touch};
use crate::format::hdf5::VirtualLayout;
use crate::format::{FormatError, VirtualOptions};
use crate::volume::{DType, MAX_RANK, Region, Shape};

/// Sources that are opened in search of one that tells how they are chunked.
const MAX_TRIED: usize = 8;

/// Most bytes of a part in which nothing is known of the sources.
const PART_BYTES: usize = 4 << 20;

/// Most bytes of a part whatever the sources say.
const MAX_PART_BYTES: usize = 256 << 20;

/// A virtual dataset. Chunks are not its business: any region can be read.
pub(super) struct VirtualArray {
    pub path: Arc<Path>,
    pub table: Arc<Table>,
    pub context: Arc<Context>,
    /// The sources of each family, those that are there or may yet be.
    pub numbered: Vec<Vec<Arc<Slot>>>,
    pub shape: Shape,
    /// What follows a number that is absent, in words.
    pub beyond: Option<String>,
    parts: Shape,
}

impl VirtualArray {
    /// Opens the dataset of this layout; `chain` are those that are made of it. Blocks.
    ///
    /// # Errors
    /// When its mappings make no sense, or nothing of it is there.
    pub fn open(
        path: &Path,
        layout: VirtualLayout,
        options: &VirtualOptions,
        chain: &[(Arc<Path>, String)],
    ) -> Result<Self, FormatError> {
        let failed = |message: String| FormatError::new(path, message);
        let context = Arc::new(Context::new(path, &layout.header.name, options, chain)?);
        let name = layout.header.name.clone();
        let table = Table::new(layout).map_err(|message| failed(format!("{name}: {message}")))?;
        let (table, path) = (Arc::new(table), Arc::from(path));
        Self::at(path, table, context, &[]).map_err(|message| failed(format!("{name}: {message}")))
    }

    /// The state it is in now; `before` are the numbered sources that are known.
    pub fn at(
        path: Arc<Path>,
        table: Arc<Table>,
        context: Arc<Context>,
        before: &[Vec<Arc<Slot>>],
    ) -> Result<Self, String> {
        let extent = extent::of(&table, &context, before)?;
        let parts = Shape::from([]);
        let (numbered, shape, beyond) = (extent.numbered, extent.shape, extent.beyond);
        let mut array = Self { path, table, context, numbered, shape, beyond, parts };
        array.parts = array.find_parts();
        Ok(array)
    }

    pub fn dtype(&self) -> DType {
        self.table.layout.header.dtype
    }

    /// The extent in which it is best read, as far as one source tells.
    pub fn parts(&self) -> Shape {
        self.parts
    }

    /// Memory taken, without that of the sources' indexes.
    pub fn num_bytes(&self) -> usize {
        self.table.num_bytes() + self.numbered.iter().map(|slots| slots.len() * size_of::<Slot>()).sum::<usize>()
    }

    /// Every source, those of the parts first.
    pub fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.table.slots.iter().chain(self.numbered.iter().flatten())
    }

    /// The first source that opens.
    pub fn reference(&self) -> Option<(Touch<'_>, Arc<OpenArray>)> {
        let table = &self.table;
        let fixed = table.parts.iter().map(|part| Touch {
            order: part.order,
            selection: std::borrow::Cow::Borrowed(&part.selection),
            of_source: part.of_source.as_ref(),
            slot: &table.slots[part.slot],
        });
        let numbered = table.families.iter().zip(&self.numbered).filter_map(|(family, slots)| {
            Some(Touch {
                order: family.order,
                selection: std::borrow::Cow::Owned(family.selection(0)),
                of_source: family.of_source.as_ref(),
                slot: slots.first()?,
            })
        });
        // Of those that are there.
        let there =
            fixed.chain(numbered).filter(|touch| matches!(self.context.search.find(&touch.slot.file), Ok(Some(_))));
        there.take(MAX_TRIED).find_map(|touch| touch.slot.open(&self.context).ok().map(|open| (touch, open)))
    }

    fn find_parts(&self) -> Shape {
        let rank = self.shape.rank();
        let dims = self.shape.dims();
        let item = self.dtype().num_bytes();
        let known = self.reference().and_then(|(touch, open)| {
            let pairing = Pairing::of(&touch.selection, touch.of_source, &open.shape())?;
            let parts = open.parts();
            let mut found = [1; MAX_RANK];
            for (axis, pair) in pairing.pairs.iter().enumerate() {
                if let Some(pair) = pair {
                    found[*pair] = parts.dims()[axis].min(dims[*pair]).max(1);
                }
            }
            Some(found)
        });
        let mut parts = known.unwrap_or_else(|| {
            // A plane, or what fits of it.
            let (mut parts, mut num_bytes) = ([1; MAX_RANK], item);
            for axis in (rank.saturating_sub(2)..rank).rev() {
                parts[axis] = dims[axis].min(PART_BYTES / num_bytes).max(1);
                num_bytes *= parts[axis];
            }
            parts
        });
        let num_bytes = |parts: &[usize; MAX_RANK]| parts[..rank].iter().fold(item, |n, &len| n.saturating_mul(len));
        for axis in 0..rank {
            if num_bytes(&parts) > MAX_PART_BYTES {
                parts[axis] = (MAX_PART_BYTES / (num_bytes(&parts) / parts[axis]).max(1)).clamp(1, parts[axis]);
            }
        }
        // The rank is that of a shape.
        Shape::new(&parts[..rank]).unwrap_or(self.shape)
    }

    /// Whether a region lies inside, and a buffer has its bytes.
    pub fn holds(&self, region: &Region, num_bytes: usize) -> bool {
        region.rank() == self.shape.rank()
            && region.stop().iter().zip(self.shape.dims()).all(|(stop, dim)| stop <= dim)
            && region.shape().num_bytes(self.dtype()) == Some(num_bytes)
    }
}
