//! How the program treats the machine: how far work in the background steps back (the priority of its threads, a cap
//! on what it reads), and that freed memory goes back.

mod bandwidth;
mod memory;
mod priority;

pub use bandwidth::Bandwidth;
pub use memory::give_back_freed_memory;
pub use priority::{Priority, lower_this_thread};
