//! The steps for recordings of living cells: change against a baseline, background.

use std::sync::Arc;

use super::build::{Builder, select};
use super::filtered::{Filtered, Kind};
use super::folded::Folded;
use super::folding::Fold;
use super::mapped::Chain;
use super::operator::Binary;
use super::program::Operand as Beside;
use super::step::{AxisName, Background, Frames, Level, Number, Reduction};
use super::unshown;
use super::view::{Along, View};
use crate::format::{Input, Source};
use crate::volume::{Axis, DType, Selection};

impl Builder<'_> {
    fn time(&self) -> Result<usize, String> {
        self.axis(AxisName::Named(Axis::T))
            .map_err(|_| "there is no axis of time to find a baseline along; --axes says which it is".to_owned())
    }

    pub(super) fn dff(&mut self, level: Level, of: Frames) -> Result<(), String> {
        let time = self.time()?;
        self.count_pass()?;
        let input = self.input();
        let mut view = View::identity(self.dims().len());
        let baseline = match of {
            Frames::Window(num) => {
                let kind = Kind::Running { axis: time, num, level };
                Filtered::of(input, kind, self.chain.info.clone())?
            }
            Frames::Range(start, stop) => {
                let len = self.dims()[time];
                let (start, stop) = (start.unwrap_or(0), stop.unwrap_or(len).min(len));
                if start >= stop {
                    return Err(format!("there is no timepoint from {start} to {stop}; there are {len}"));
                }
                view.along[time] = Along::Fixed(0);
                self.folded_baseline(input, time, [start, stop], level)?
            }
        };
        self.against(baseline, view, true, DType::F32)
    }

    /// The level of a range along an axis, which stays with an extent of 1.
    fn folded_baseline(
        &mut self,
        input: Input,
        axis: usize,
        [start, stop]: [usize; 2],
        level: Level,
    ) -> Result<Arc<dyn Source>, String> {
        let how = match level {
            Level::Mean => Reduction::Mean,
            Level::Percentile(percent) => Reduction::Percentile(percent),
        };
        let text: Vec<String> = (0..axis).map(|_| ":".to_owned()).chain([format!("{start}:{stop}")]).collect();
        let mut chain = Chain::new(input);
        let selection: Selection =
            text.join(", ").parse().map_err(|error: crate::volume::SelectionError| error.to_string())?;
        select(&mut chain, &selection)?;
        let info = chain.info.clone();
        // Whatever the recording's type, F0 is not rounded to it.
        let fold = Fold::of(how, chain.program.dtype())?.in_doubles();
        let input = match chain.is_bare() {
            true => chain.inputs[0].clone(),
            false => unshown(&chain.source()),
        };
        Folded::of(input, fold, &[axis], true, info)
    }

    /// Subtracts another array, and divides by it where that is wanted, in double precision.
    fn against(&mut self, other: Arc<dyn Source>, view: View, is_ratio: bool, dtype: DType) -> Result<(), String> {
        let other_dtype = other.info().dtype;
        let lane = self.chain.lane(unshown(&other), view);
        self.chain.is_kept = true;
        self.chain.program.cast(DType::F64);
        let beside = Beside::Lane { lane, dtype: other_dtype };
        self.beside(Binary::Subtract, beside, false)?;
        if is_ratio {
            self.beside(Binary::Divide, beside, false)?;
        }
        self.chain.program.cast(dtype);
        Ok(())
    }

    pub(super) fn background(&mut self, background: &Background) -> Result<(), String> {
        let dtype = imaging_dtype(self.chain.program.dtype());
        match background {
            Background::Value(value) => {
                self.chain.program.cast(DType::F64);
                let value = match value {
                    Number::Integer(value) => *value as f64,
                    Number::Float(value) => *value,
                };
                self.beside(Binary::Subtract, Beside::Float(value), false)?;
                self.chain.program.cast(dtype);
                Ok(())
            }
            Background::Percentile(percent, over) => {
                let axes = self.axes(over)?;
                self.count_pass()?;
                let fold = Fold::of(Reduction::Percentile(*percent), self.chain.program.dtype())?.in_doubles();
                let input = self.input();
                let level = Folded::of(input, fold, &axes, true, self.chain.info.clone())?;
                let mut view = View::identity(self.dims().len());
                axes.iter().for_each(|&axis| view.along[axis] = Along::Fixed(0));
                self.against(level, view, false, dtype)
            }
        }
    }
}

/// The type in which filtered and corrected values are given: single precision where that tells them apart.
pub(super) fn imaging_dtype(dtype: DType) -> DType {
    match dtype {
        DType::U32 | DType::I32 | DType::U64 | DType::I64 | DType::F64 => DType::F64,
        _ => DType::F32,
    }
}
