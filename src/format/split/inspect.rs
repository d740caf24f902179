//! Looking at every block's header, so that nothing is left to be found out.

use std::sync::Arc;

use rayon::prelude::*;

use super::block::Block;
use super::source::SplitSource;
use crate::format::hdf5::{Header, Twin};
use crate::volume::{PieceState, codes};

impl SplitSource {
    /// Looks at every block and names what is wrong with it.
    pub(super) fn look_at_all(&self) {
        let reference = self.blocks.iter().find(|block| block.number == self.reference.number);
        let open = reference.and_then(|block| block.open(&self.key, &self.indexes).ok());
        // Most blocks are stored exactly like the reference block, which is quickly told.
        let twin = open.filter(|open| open.array.missing_filter().is_none()).and_then(|open| Twin::of(&open.array));
        let look = |(ordinal, block): (usize, &Arc<Block>)| {
            let is_unseen = block.is_present && block.state() == PieceState::Unseen;
            let stamp = twin.as_ref().filter(|_| is_unseen).and_then(|twin| twin.is_whole_in(&block.path));
            if stamp.is_some_and(|stamp| block.set_whole(stamp)) {
                self.judge(ordinal, &self.reference.header);
            } else {
                self.look_into(ordinal, block);
            }
        };
        self.blocks.par_iter().enumerate().for_each(look);
    }

    /// Indexes a block and names what is wrong with it.
    fn look_into(&self, ordinal: usize, block: &Block) {
        match block.open(&self.key, &self.indexes) {
            Err(error) => self.note_failure(ordinal, &error),
            Ok(open) => {
                self.judge(ordinal, open.array.header());
                if let Some(message) = open.array.missing_filter() {
                    self.note(ordinal, codes::UNSUPPORTED, message);
                }
                if !open.array.is_whole() {
                    self.note(ordinal, codes::UNWRITTEN, "part of the block was never written");
                }
            }
        }
    }

    /// Names where the array of a block is not what belongs in its place.
    fn judge(&self, ordinal: usize, header: &Header) {
        let region = self.geometry.region(ordinal);
        match self.fit(ordinal, &region, header) {
            Err(message) => self.note(ordinal, codes::OTHER_SHAPE, message),
            Ok(fit) => {
                self.note_short(ordinal, &region, &fit);
                if fit.dtype != self.info.dtype {
                    let (has, wants) = (fit.dtype, self.info.dtype);
                    let text = format!("it is {has} where the recording is {wants}; shown if its values fit");
                    self.note(ordinal, codes::OTHER_DTYPE, text);
                }
            }
        }
    }
}
