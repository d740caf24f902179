//! The names of what can be wrong with a recording, for programs: `info --json` prints them, so a name stays
//! what it is once it is given. One list of all.

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: &str = $text;)*
        /// Every code there is.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

codes! {
    /// What the axes are was guessed.
    AXES_GUESSED = "axes_guessed";
    /// A chunk cannot be decoded.
    BAD_CHUNK = "bad_chunk";
    /// Data lie in files that are no part of what was opened.
    DATA_ELSEWHERE = "data_elsewhere";
    /// A block's file holds no byte.
    EMPTY_BLOCK = "empty_block";
    /// Blocks that are perhaps of a former recording are left out as the user wishes.
    LEFT_OUT_BLOCK = "left_out_block";
    /// The blocks go on beyond what the metadata claim.
    LONGER_THAN_CLAIMED = "longer_than_claimed";
    /// The metadata describe something else than the blocks.
    METADATA_CONTRADICTS = "metadata_contradicts";
    /// The metadata cannot be read.
    METADATA_UNREADABLE = "metadata_unreadable";
    /// The metadata hold values that make no sense.
    METADATA_VALUES = "metadata_values";
    /// Blocks are not there.
    MISSING_BLOCK = "missing_block";
    /// A file that a virtual dataset is made of is not there.
    MISSING_SOURCE = "missing_source";
    /// A block holds no array that could be the recording's.
    NO_ARRAY = "no_array";
    /// There are no metadata: the recording is running, or was interrupted.
    NO_METADATA = "no_metadata";
    /// Chunks are left out by a format in which all of them has the fill value then.
    NOT_STORED = "not_stored";
    /// A block is of another type than the recording.
    OTHER_DTYPE = "other_dtype";
    /// The same, and its values do not fit.
    OTHER_DTYPE_LOSSY = "other_dtype_lossy";
    /// A block is of another shape than belongs in its place.
    OTHER_SHAPE = "other_shape";
    /// A block holds less than its place asks for.
    SHORT_BLOCK = "short_block";
    /// A source of a virtual dataset holds less than is mapped to it.
    SHORT_SOURCE = "short_source";
    /// Blocks are certainly of a former recording, and left out.
    STALE_BLOCK = "stale_block";
    /// The metadata claim more than there is.
    STOPPED_EARLY = "stopped_early";
    /// A file looks like a block and is none of this recording's.
    STRAY_FILE = "stray_file";
    /// Blocks are perhaps of a former recording; they are shown.
    SUSPECT_BLOCK = "suspect_block";
    /// A last block is not complete, and nobody goes on writing it.
    UNFINISHED_BLOCK = "unfinished_block";
    /// The system does not let a file be read.
    UNREADABLE = "unreadable";
    /// A block does not open, or the system does not let it be read.
    UNREADABLE_BLOCK = "unreadable_block";
    /// Data are stored in a way that is not read here.
    UNSUPPORTED = "unsupported";
    /// Part of what should be there was never written.
    UNWRITTEN = "unwritten";
}
