//! Where the voxels of a split dataset lie, block by block.

use rayon::prelude::*;

use super::source::SplitSource;
use crate::format::{HeldPart, ReadError, ReadErrorCode, ReadErrorKind, StoredPart};
use crate::volume::Region;

impl SplitSource {
    /// The boxes that the blocks answer for, without their overlap; where a block is short, what it lacks is a box
    /// of its own. Every block is looked at.
    pub(super) fn parts_in_files(&self) -> Vec<StoredPart> {
        let parts = (0..self.blocks.len()).into_par_iter().map(|ordinal| self.parts_of(ordinal));
        parts.flatten().collect()
    }

    fn parts_of(&self, ordinal: usize) -> Vec<StoredPart> {
        let (block, region) = (&self.blocks[ordinal], self.geometry.region(ordinal));
        let part = |region, held| StoredPart { region, file: block.path.to_path_buf(), held };
        let open = match block.open(&self.key, &self.indexes) {
            Ok(open) => open,
            Err(error) => return vec![part(region, Err(error))],
        };
        let header = open.array.header();
        let fit = match self.fit(ordinal, &region, header) {
            Ok(fit) => fit,
            Err(message) => {
                let error = ReadError::new(ReadErrorKind::Unsupported, &block.path, message);
                return vec![part(region, Err(error))];
            }
        };
        let mut stored: Region = fit.have.relative_to(region.start());
        if self.num_channels() > 1 {
            stored = stored.with_axis(1, self.channel, self.channel + 1);
        }
        let held = HeldPart { dataset: header.name.clone(), shape: header.shape, dtype: fit.dtype, region: stored };
        let mut parts = vec![part(fit.have, Ok(held))];
        if fit.have.stop() != region.stop() {
            let axis = self.growth_axis();
            let lacking = region.with_axis(axis, fit.have.stop()[axis], region.stop()[axis]);
            let text = "the block is shorter than the others";
            let error = ReadError::new(ReadErrorKind::Missing, &block.path, text).with_code(ReadErrorCode::Short);
            parts.push(part(lacking, Err(error)));
        }
        parts
    }
}
