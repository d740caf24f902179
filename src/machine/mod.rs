//! How far work in the background steps back: the priority of its threads, and a cap on what it reads.

mod bandwidth;
mod priority;

pub use bandwidth::Bandwidth;
pub use priority::{Priority, lower_this_thread};
