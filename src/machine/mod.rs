//! How the program treats the machine: how far work in the background steps back (the priority of its threads, a cap
//! on what it reads), that freed memory goes back, and new memory comes at once.

mod bandwidth;
mod memory;
mod priority;

pub use bandwidth::Bandwidth;
pub use memory::{give_back_freed_memory, have_ready};
pub use priority::{Priority, lower_this_thread};
