//! Looking at every block's header, so that nothing is left to be found out.

use std::sync::Arc;

use rayon::prelude::*;

use super::block::Block;
use super::source::SplitSource;
use crate::format::h5::Header;

impl SplitSource {
    /// Looks at every block and names what is wrong with it.
    pub(super) fn look_at_all(&self) {
        let look = |(ordinal, block): (usize, &Arc<Block>)| self.look_into(ordinal, block);
        self.blocks.par_iter().enumerate().for_each(look);
    }

    /// Indexes a block and names what is wrong with it.
    fn look_into(&self, ordinal: usize, block: &Block) {
        match block.open(&self.key, &self.indexes) {
            Err(error) => self.note_failure(ordinal, &error),
            Ok(open) => {
                self.judge(ordinal, open.array.header());
                if let Some(message) = open.array.missing_filter() {
                    self.note(ordinal, "unsupported", message);
                }
                if !open.array.is_whole() {
                    self.note(ordinal, "unwritten", "part of the block was never written");
                }
            }
        }
    }

    /// Names where the array of a block is not what belongs in its place.
    fn judge(&self, ordinal: usize, header: &Header) {
        let region = self.geometry.region(ordinal);
        match self.fit(ordinal, &region, header) {
            Err(message) => self.note(ordinal, "other_shape", message),
            Ok(fit) => {
                self.note_short(ordinal, &region, &fit);
                if fit.dtype != self.info.dtype {
                    let (has, wants) = (fit.dtype, self.info.dtype);
                    let text = format!("it is {has} where the recording is {wants}; shown if its values fit");
                    self.note(ordinal, "other_dtype", text);
                }
            }
        }
    }
}
