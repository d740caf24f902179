//! What the time area shows of the quality of a recording, ready to be drawn and kept from frame to frame: the
//! map of planes over time as one texture, the traces as meshes. Made anew only where the table has changed.

mod baseline;
mod cells;
mod columns;
mod kept;
mod line;
mod measure;
mod thin;
mod trace;

pub use baseline::Baseline;
pub use columns::Columns;
pub use kept::{Kept, Wanted, kept};
pub use line::Line;
pub use measure::Worst;
pub use trace::Trace;
