//! Files that appear only when they are whole, and what is written into them. Nothing here touches a recording.

pub mod interrupt;
pub mod npy;
mod output;

pub use output::{Output, check_name, refuse_inside};
