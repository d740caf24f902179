//! Looking at every block's header, so that nothing is left to be found out.

use super::source::SplitSource;

impl SplitSource {
    /// Indexes every block and names what is wrong with it.
    pub(super) fn look_at_all(&self) {
        for (ordinal, block) in self.blocks.iter().enumerate() {
            let open = match block.open(&self.key, &self.indexes) {
                Ok(open) => open,
                Err(error) => {
                    self.note_failure(ordinal, &error);
                    continue;
                }
            };
            let region = self.geometry.region(ordinal);
            match self.fit(ordinal, &region, open.array.header()) {
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
            if let Some(message) = open.array.missing_filter() {
                self.note(ordinal, "unsupported", message);
            }
            if !open.array.is_whole() {
                self.note(ordinal, "unwritten", "part of the block was never written");
            }
        }
    }
}
