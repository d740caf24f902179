//! An array whose chunks lie afar: fetching what is stored of them, and decoding it.

use std::time::Instant;

use super::parts::MEMORY;
use super::source::{At, LindiArray};
use crate::format::{Cancel, Chunk, FetchError, Fetched, Fetching, Filled, ReadError};

impl Fetching for LindiArray {
    fn max_fetched_bytes(&self, chunk: &Chunk) -> usize {
        let mut num = 0usize;
        self.each(&chunk.region, |work| {
            if let Some(At::Piece { num_bytes, .. }) = work.stored.map(|stored| &stored.at)
                && let Ok(needed) = self.needed(&work, *num_bytes)
            {
                num = num.saturating_add((needed.end - needed.start) as usize);
            }
        });
        num
    }

    fn fetch(&self, chunk: &Chunk, until: Instant, cancel: &Cancel) -> Result<Fetched, FetchError> {
        let mut result = Ok(Fetched::default());
        self.each(&chunk.region, |work| {
            let Some(At::Piece { place, offset, num_bytes }) = work.stored.map(|stored| &stored.at) else { return };
            let Ok(fetched) = &mut result else { return };
            let bytes = self.needed(&work, *num_bytes).map_err(FetchError::Lasting).and_then(|needed| {
                let start = offset.saturating_add(needed.start);
                self.places[*place as usize].fetch(start, needed.end - needed.start, until, cancel)
            });
            match bytes {
                Ok(bytes) => fetched.pieces.push(bytes),
                Err(error) => result = Err(error),
            }
        });
        // What was given up is no problem of the recording.
        if let Err(FetchError::Lasting(error)) = &result
            && !cancel.is_cancelled()
        {
            self.found.note(error);
        }
        result
    }

    fn decode(&self, chunk: &Chunk, fetched: &Fetched, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        let mut target = self.target(chunk, buffer);
        let mut pieces = fetched.pieces.iter();
        MEMORY.with_borrow_mut(|memory| {
            self.each(&chunk.region, |work| {
                let result = match work.stored.map(|stored| &stored.at) {
                    Some(At::Piece { num_bytes, .. }) => {
                        let bytes = pieces.next().map(Vec::as_slice).unwrap_or_default();
                        self.needed(&work, *num_bytes)
                            .and_then(|needed| self.put(&work, bytes, &needed, &mut target, memory))
                    }
                    _ => self.put_inline(&work, &mut target, memory),
                };
                if let Err(error) = result {
                    self.lose(&work.part, error, &mut target);
                }
            });
            memory.shrink();
        });
        self.finish(target)
    }
}
