//! Arrays computed from a source when they are asked for, by an expression that is written as text.
//!
//! # The expression
//! Steps are separated by `|`; each is the name of an operation and what it takes. [`catalogue()`] lists all of them.
//!
//! ```text
//! subtract 100 | divide [1, 2, 3] over x | log1p
//! - 100 | / 2.5 | > 3                      signs stand for add, subtract, multiply, divide, …
//! rsubtract 1.5                            the value on the left: 1.5 minus the voxel
//! add @other.h5#counts                     another array, of the same shape or a vector along one axis
//! divide @flat.npy over y                  a vector from a file, along y
//! subset [1:5:2, :, 3:, ::-1]              a numpy index; `cross` takes every list along its own axis
//! transpose 0, 2, 3, 1 | cast f4 | round 1
//! concatenate @"second half.h5#data" over t
//! mean over t | std over z, y ddof 1 | sum | percentile 10 over t
//! median_filter 3 over y, x | gaussian_filter 1.5 over z, y, x
//! dff mean of 0:100 | dff percentile 10 window 101
//! background 100 | background percentile 5 over y, x
//! ```
//! An axis is named by what it is (t, z, y, x, c for channels) or by its number; both as the step before left them.
//! [`Operations`] prints in one form, which can be read again and pasted on a command line ([`Operations::quoted`]).
//!
//! # Rules
//! * Types are numpy's: a plain integer takes the type of the array and has to fit, a number with a point makes
//!   doubles of integers; functions of 8 and 16 bit integers are computed in half and single precision.
//! * Integers wrap. A remainder has the sign of its divisor. Divided by zero, a float is infinite or no number, and
//!   an integer (`floor_divide`, `remainder`) is 0. `cast` cuts decimals off and wraps.
//! * Filters and running baselines go on beyond the ends as `scipy.ndimage`'s `reflect`: d c b a | a b c d | d c b a.
//! * Of a percentile that meets a value exactly, that value is the result; between a finite one and infinity all is
//!   infinite, where numpy makes no number of both. A median filter takes what is no number for the largest.
//! * `dff` is (F - F0) / F0 in single precision; where F0 is 0 it is infinite or no number.
//! * What is made of a voxel that is missing is missing, for the same reason; nothing else is.
//!
//! # How it is computed
//! Steps that make a voxel of one voxel of each input, and those that choose and order voxels, are one
//! [`crate::format::Composite`] over the source: a chunk of the result is made in one pass, in runs of a few thousand
//! voxels, so that no step takes memory of its own. Chunks of the result lie where those of the source do. Filters read
//! their neighbourhood; where nobody has it in memory (a conversion), what neighbours share is kept, 48 MB for a step, or twice
//! what one chunk needs up to 512 MB; beside that each core holds the window of the chunk it works at. Reductions go
//! through what they fold chunk by chunk; a percentile needs all of its values, up to 1 GB on each core, and more is
//! refused. A .npy file is held whole, of 4 GB at most.
//! The arrays are as long as they were when they were made. Of a recording that has grown they are made again, which
//! reads nothing; chunks keep their numbers where the steps leave its axes alone.

mod build;
mod catalogue;
mod cells;
mod concatenated;
mod convert;
mod facts;
mod filtered;
mod folded;
mod folding;
mod imaging;
mod joint;
mod kept;
mod kernel;
mod lane;
mod logarithm;
mod mapped;
mod npy;
mod number;
mod operator;
mod parse;
mod program;
mod step;
mod text;
mod view;
mod window;
mod words;

use std::sync::Arc;

pub use build::{Open, delayed};
pub use catalogue::{Argument, ArgumentKind, Entry, Group, catalogue};
pub use npy::{absolute_operand, open_operand, read_npy};
pub use operator::{Binary, Unary};
pub use step::{AxisName, Background, Filter, Frames, Level, Number, Operand, Reduction, Step};

use crate::format::{Input, Source};
use crate::volume::{DType, LayerId, Selection};

/// An expression: operations, one after the other. Its text can be parsed ([`std::str::FromStr`]) and is printed in
/// one form; [`Operations::words`] says it in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operations {
    /// The steps, the first first.
    pub steps: Vec<Step>,
}

impl Operations {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Gives the arrays that it names other names. Returns whether any was another.
    pub fn rename(&mut self, to: impl Fn(&str) -> String) -> bool {
        let mut is_changed = false;
        let mut rename = |name: &mut String| {
            let new = to(name);
            is_changed |= *name != new;
            *name = new;
        };
        for step in &mut self.steps {
            match step {
                Step::Binary { operand: Operand::Array(name, _), .. } => rename(name),
                Step::Concatenate { names, .. } => names.iter_mut().for_each(&mut rename),
                _ => {}
            }
        }
        is_changed
    }
}

/// Why an expression cannot be read, or does not fit the array. One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationError {
    /// Which step, from 0, and its text; `None` where it is all of it.
    pub step: Option<(usize, String)>,
    /// What is wrong and what to do.
    pub message: String,
}

impl OperationError {
    fn whole(message: impl Into<String>) -> Self {
        Self { step: None, message: message.into() }
    }

    fn of(number: usize, text: &str, message: impl Into<String>) -> Self {
        const MAX: usize = 60;
        let mut shown: String =
            text.chars().take(MAX).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        if text.chars().nth(MAX).is_some() {
            shown.push('…');
        }
        Self { step: Some((number, shown)), message: message.into() }
    }
}

impl std::fmt::Display for OperationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let message = self.message.replace(['\n', '\r'], " ");
        match &self.step {
            Some((number, text)) => write!(f, "step {} ({text}): {message}", number + 1),
            None => write!(f, "{message}"),
        }
    }
}

impl std::error::Error for OperationError {}

/// An input under a name of its own: nobody shows it.
fn unshown(source: &Arc<dyn Source>) -> Input {
    Input { source: Arc::clone(source), layer: LayerId::next(), level: 0 }
}

/// What a numpy index names of a source, in numpy's order and shape. Lists of indices are taken along one axis, or
/// point by point where there are several; nested ones are refused. A contiguous slice costs one copy of its voxels.
///
/// # Errors
/// numpy's, where the index does not fit.
pub fn selected(source: &Arc<dyn Source>, selection: &Selection) -> Result<Arc<dyn Source>, OperationError> {
    let mut chain = mapped::Chain::new(unshown(source));
    build::select(&mut chain, selection).map_err(OperationError::whole)?;
    Ok(chain.source())
}

/// A source as another type: numpy's `astype`, integers wrap and decimals are cut off.
pub fn cast(source: &Arc<dyn Source>, dtype: DType) -> Arc<dyn Source> {
    let mut chain = mapped::Chain::new(unshown(source));
    chain.program.cast(dtype);
    if !dtype.is_float() && dtype != source.info().dtype {
        chain.info.value_scale = None;
    }
    chain.source()
}

/// A source with a value in place of voxels that are missing or damaged. What is stored in a way that is not read
/// here, is being written or was refused by the system stays missing: it may be there and whole. `value` is the bytes of one voxel.
///
/// # Errors
/// When the value is not one voxel.
pub fn filled(source: &Arc<dyn Source>, value: &[u8]) -> Result<Arc<dyn Source>, OperationError> {
    let dtype = source.info().dtype;
    if value.len() != dtype.num_bytes() {
        return Err(OperationError::whole(format!("a fill value of {} bytes is no {dtype}", value.len())));
    }
    let mut words = [0; 8];
    words[..value.len()].copy_from_slice(value);
    let word = u64::from_le_bytes(words);
    let shown = crate::dispatch_dtype!(dtype, T => {
        let value: T = convert::of::<T>(&[word], 1)[0];
        crate::volume::Voxel::to_f64(value).to_string()
    });
    Ok(mapped::filled(unshown(source), value.to_vec(), &shown))
}
