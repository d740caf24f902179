//! Figures of a stream for the status bar, `bench` and the tests.

/// What a stream holds and has done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StreamStats {
    /// What all of it together may take.
    pub total_budget_bytes: usize,
    /// Decoded chunks held.
    pub cache_bytes: usize,
    /// What they may take.
    pub budget_bytes: usize,
    /// Number of chunks held.
    pub num_chunks: usize,
    /// Projections, assembled planes and volumes held.
    pub picture_bytes: usize,
    /// What they may take.
    pub picture_budget_bytes: usize,
    /// Projections half folded.
    pub assembly_bytes: usize,
    /// Low-resolution previews held.
    pub preview_bytes: usize,
    /// What they may take.
    pub preview_budget_bytes: usize,
    /// Number of previews held.
    pub num_previews: usize,
    /// Unused buffers waiting for the next read.
    pub free_bytes: usize,
    /// Being read and decoded at the moment.
    pub in_flight_bytes: usize,
    /// What may be.
    pub max_in_flight_bytes: usize,
    /// Chunks waiting to be read.
    pub queued: usize,
    /// Of these, how many are for what is on screen.
    pub queued_visible: usize,
    /// Volumes being folded as a whole, or waiting only for that.
    pub num_folding: usize,
    /// Pictures that were there when they were asked for.
    pub hits: u64,
    /// Pictures that had to be waited for.
    pub misses: u64,
    /// `hits` of all, 0 to 1; 1 where nothing was asked for.
    pub hit_rate: f64,
    /// Decoded bytes read so far.
    pub decoded_bytes: u64,
    /// Decoded bytes of what was on screen when its reading began.
    pub visible_bytes: u64,
    /// Chunks read so far.
    pub num_reads: u64,
    /// Reads that failed.
    pub read_errors: u64,
    /// Plans made so far.
    pub num_plans: u64,
    /// From the request to the exact picture, the last time that was waited for.
    pub last_image_ms: Option<f64>,
    /// What reading a picture is estimated to take.
    pub picture_ms: Option<f64>,
}

impl StreamStats {
    /// Memory in use: everything kept, being read, or waiting to be used again.
    pub fn used_bytes(&self) -> usize {
        let kept = self.cache_bytes + self.picture_bytes + self.preview_bytes;
        kept + self.assembly_bytes + self.in_flight_bytes + self.free_bytes
    }
}
