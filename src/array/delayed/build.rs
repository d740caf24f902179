//! From an expression and a source to the source that computes it.

use std::collections::HashMap;
use std::sync::Arc;

use super::concatenated::Concatenated;
use super::facts::{self, Kept};
use super::filtered::{Filtered, Kind};
use super::folded::Folded;
use super::folding::Fold;
use super::mapped::{Chain, shape_of};
use super::operator::{Binary, promoted};
use super::program::Operand as Beside;
use super::step::{AxisName, Filter, Number, Operand, Reduction, Step};
use super::view::{Along, Index, View};
use super::{OperationError, Operations, parse::MAX_STEPS, unshown};
use crate::format::memory::MemorySource;
use crate::format::{FormatError, Input, Source};
use crate::volume::{ArrayInfo, DType, LayerId, Selection, Shape};

/// Steps of one expression that read a neighbourhood or fold axes, at most: each one reads through the others.
const MAX_PASSES: usize = 8;

/// Opens an array by the name that it has in an expression.
pub type Open<'a> = dyn Fn(&str) -> Result<Arc<dyn Source>, FormatError> + 'a;

/// The source that computes an expression over another, region by region.
///
/// `layer` and `level` are those under which chunks of `source` are kept (those of the layer which shows it; a new
/// [`LayerId`] where nobody does), so that what is in memory is used. `open` opens the arrays that the expression
/// names ([`super::open_operand`] does).
///
/// # Errors
/// Naming the step and what to do: where the shapes or types do not fit, or an array cannot be opened.
pub fn delayed(
    source: Arc<dyn Source>,
    layer: LayerId,
    level: u8,
    operations: &Operations,
    open: &Open<'_>,
) -> Result<Arc<dyn Source>, OperationError> {
    if operations.steps.len() > MAX_STEPS {
        let num = operations.steps.len();
        return Err(OperationError::whole(format!("{num} steps; {MAX_STEPS} are the most")));
    }
    let chain = Chain::new(Input { source, layer, level });
    let mut builder = Builder { chain, others: HashMap::new(), open, done: Operations::default(), num_passes: 0 };
    for (number, step) in operations.steps.iter().enumerate() {
        builder.done.steps.push(step.clone());
        let result = builder.step(step);
        result.map_err(|message| OperationError::of(number, &step.to_string(), message))?;
    }
    builder.describe();
    Ok(builder.chain.source())
}

pub(super) struct Builder<'a> {
    pub(super) chain: Chain,
    /// What was opened so far.
    others: HashMap<String, Input>,
    open: &'a Open<'a>,
    done: Operations,
    num_passes: usize,
}

impl Builder<'_> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Unary(op) => {
                self.chain.program.unary(*op)?;
                self.chain.info.value_scale = None;
            }
            Step::Negate => self.beside(Binary::Subtract, Beside::Integer(0), true)?,
            Step::Binary { op, operand, is_left } => {
                let operand = self.operand(operand)?;
                self.beside(*op, operand, *is_left)?;
            }
            Step::Round(decimals) => {
                self.chain.program.round(*decimals)?;
                self.chain.info.value_scale = None;
            }
            Step::Cast(dtype) => {
                if !dtype.is_float() {
                    self.chain.info.value_scale = None;
                }
                self.chain.program.cast(*dtype);
            }
            Step::Transpose(order) => self.transpose(order.as_deref())?,
            Step::Subset(selection) => select(&mut self.chain, selection)?,
            Step::Cross(selection) => {
                let parts = selection.outer(self.dims().len()).map_err(|error| error.to_string())?;
                parts.iter().try_for_each(|part| select(&mut self.chain, part))?;
            }
            Step::Concatenate { names, over } => self.concatenate(names, *over)?,
            Step::Reduce { how, over } => self.reduce(*how, over)?,
            Step::Filter { how, over } => self.filter(how, over)?,
            Step::Dff { level, of } => self.dff(*level, *of)?,
            Step::Background(background) => self.background(background)?,
        }
        // Whatever was cast: the result has to be addressable.
        shape_of(self.dims(), self.chain.program.dtype()).map(drop)
    }

    pub(super) fn dims(&self) -> &[usize] {
        self.chain.info.shape.dims()
    }

    pub(super) fn beside(&mut self, op: Binary, operand: Beside, is_left: bool) -> Result<(), String> {
        self.chain.info.value_scale = None;
        self.chain.program.binary(op, operand, is_left)
    }

    /// Says what was done so far among the facts.
    fn describe(&mut self) {
        const LABEL: &str = "Operations";
        if self.done.is_empty() {
            return;
        }
        let facts = &mut self.chain.info.facts;
        facts.retain(|(label, _)| label != LABEL);
        facts.push((LABEL.to_owned(), self.done.words()));
    }

    /// Counts a step that reads what came before more than once.
    pub(super) fn count_pass(&mut self) -> Result<(), String> {
        self.num_passes += 1;
        match self.num_passes > MAX_PASSES {
            true => Err(format!(
                "more than {MAX_PASSES} steps that filter, fold, join or look for a level; write what they make, and go \
                 on from there"
            )),
            false => Ok(()),
        }
    }

    /// Ends the chain and begins another over what it makes.
    fn pass(&mut self, made: impl FnOnce(Input, ArrayInfo) -> Result<Arc<dyn Source>, String>) -> Result<(), String> {
        self.count_pass()?;
        self.describe();
        let info = self.chain.info.clone();
        let input = self.input();
        let info = ArrayInfo { dtype: input.source.info().dtype, ..info };
        self.chain = Chain::new(unshown(&made(input, info)?));
        Ok(())
    }

    /// What the chain makes so far as an input, which begins the next one.
    pub(super) fn input(&mut self) -> Input {
        let first = self.chain.inputs[0].clone();
        let chain = std::mem::replace(&mut self.chain, Chain::new(first.clone()));
        let info = chain.info.clone();
        let input = match chain.is_bare() {
            true => first,
            false => unshown(&chain.source()),
        };
        self.chain = Chain::new(input.clone());
        self.chain.info.facts = info.facts;
        input
    }

    fn opened(&mut self, name: &str) -> Result<Input, String> {
        if let Some(input) = self.others.get(name) {
            return Ok(input.clone());
        }
        let input = unshown(&(self.open)(name).map_err(|error| error.to_string())?);
        self.others.insert(name.to_owned(), input.clone());
        Ok(input)
    }

    /// The number of an axis.
    pub(super) fn axis(&self, name: AxisName) -> Result<usize, String> {
        let info = &self.chain.info;
        let rank = info.shape.rank();
        let known = || format!("its axes are {}", if rank == 0 { "none".to_owned() } else { info.axes_in_letters() });
        match name {
            AxisName::Named(axis) => info
                .axes
                .iter()
                .position(|known| *known == Some(axis))
                .ok_or_else(|| format!("there is no axis {axis}; {}", known())),
            AxisName::Channels => info.channel_axis.ok_or_else(|| format!("there is no axis of channels; {}", known())),
            AxisName::Number(number) => {
                let index = if number < 0 { i64::from(number) + rank as i64 } else { i64::from(number) };
                usize::try_from(index)
                    .ok()
                    .filter(|&axis| axis < rank)
                    .ok_or_else(|| format!("axis {number} is out of bounds for array of dimension {rank}"))
            }
        }
    }

    pub(super) fn axes(&self, names: &[AxisName]) -> Result<Vec<usize>, String> {
        let mut axes = Vec::new();
        for name in names {
            let axis = self.axis(*name)?;
            if axes.contains(&axis) {
                return Err("duplicate value in 'axis'".to_owned());
            }
            axes.push(axis);
        }
        Ok(axes)
    }

    fn operand(&mut self, operand: &Operand) -> Result<Beside, String> {
        let (input, over) = match operand {
            Operand::Number(Number::Integer(value)) => return Ok(Beside::Integer(*value)),
            Operand::Number(Number::Float(value)) => return Ok(Beside::Float(*value)),
            Operand::List(numbers, over) => {
                // A list alone stands for every voxel only along an axis.
                (unshown(&list(numbers)?), over.or_else(|| Some(AxisName::Number(-1))))
            }
            Operand::Array(name, over) => (self.opened(name)?, *over),
        };
        let view = self.laid(&input.source.info().shape, over)?;
        let dtype = input.source.info().dtype;
        Ok(Beside::Lane { lane: self.chain.lane(input, view), dtype })
    }

    /// How an array lies beside the values: of the same shape, or along one axis.
    fn laid(&self, shape: &Shape, over: Option<AxisName>) -> Result<View, String> {
        let (own, dims) = (shape.dims(), self.dims());
        let tuple = |dims: &[usize]| {
            let text: Vec<String> = dims.iter().map(ToString::to_string).collect();
            format!("({})", text.join(", "))
        };
        let long: Vec<usize> = (0..own.len()).filter(|&axis| own[axis] != 1).collect();
        let along = |axis: usize, dim: usize| {
            let mut along = vec![Along::Fixed(0); own.len()];
            along[axis] = Along::Dim { dim, index: Index::ALL };
            View { along }
        };
        let fits = |axis: usize, dim: usize| match own[axis] == dims[dim] {
            true => Ok(along(axis, dim)),
            false => Err(format!("a vector of {} along an axis of {}", own[axis], dims[dim])),
        };
        match (over, long.as_slice()) {
            (Some(over), [] | [_]) if !own.is_empty() => {
                fits(long.first().copied().unwrap_or(own.len() - 1), self.axis(over)?)
            }
            (Some(_), _) => Err(format!("`over` goes with a vector, and this array is {}", tuple(own))),
            (None, _) if own == dims => Ok(View::identity(own.len())),
            (None, []) => Ok(View { along: vec![Along::Fixed(0); own.len()] }),
            (None, [_]) if own.len() == 1 && !dims.is_empty() => fits(0, dims.len() - 1),
            (None, &[axis]) if own.len() == dims.len() => fits(axis, axis),
            (None, _) => Err(format!(
                "{} and {}: 'left' and 'right' shapes should be the same, or it is a vector `over` an axis",
                tuple(dims),
                tuple(own)
            )),
        }
    }

    fn transpose(&mut self, order: Option<&[usize]>) -> Result<(), String> {
        let dims = self.dims();
        let reversed: Vec<usize> = (0..dims.len()).rev().collect();
        let order = order.unwrap_or(&reversed);
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if sorted.iter().copied().ne(0..dims.len()) {
            return Err(format!(
                "axes don't match array: an order of the {} axes names each of them once, from 0",
                dims.len()
            ));
        }
        let moved: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
        let shape = shape_of(&moved, self.chain.program.dtype())?;
        let num_blocks = self.chain.info.num_blocks;
        self.chain.lay(|view| view.permuted(order));
        let kept: Vec<Kept> = order.iter().map(|&axis| facts::all_of(axis)).collect();
        facts::keep(&mut self.chain.info, &kept, shape);
        self.chain.info.num_blocks = num_blocks;
        Ok(())
    }

    fn concatenate(&mut self, names: &[String], over: AxisName) -> Result<(), String> {
        let axis = self.axis(over)?;
        let others = names.iter().map(|name| self.opened(name)).collect::<Result<Vec<_>, _>>()?;
        let dtype =
            others.iter().fold(self.chain.program.dtype(), |dtype, other| promoted(dtype, other.source.info().dtype));
        if dtype != self.chain.program.dtype() {
            self.chain.info.value_scale = None;
        }
        self.chain.program.cast(dtype);
        let as_dtype = |input: Input| match input.source.info().dtype == dtype {
            true => input,
            false => unshown(&super::cast(&input.source, dtype)),
        };
        let others: Vec<Input> = others.into_iter().map(as_dtype).collect();
        self.pass(|first, info| Concatenated::of(std::iter::once(first).chain(others).collect(), axis, info))
    }

    fn reduce(&mut self, how: Reduction, over: &[AxisName]) -> Result<(), String> {
        let axes = match over {
            [] => (0..self.dims().len()).collect(),
            over => self.axes(over)?,
        };
        let fold = Fold::of(how, self.chain.program.dtype())?;
        if !matches!(how, Reduction::Min | Reduction::Max) {
            self.chain.info.value_scale = None;
        }
        self.pass(|input, info| Folded::of(input, fold, &axes, false, info))
    }

    fn filter(&mut self, how: &Filter, over: &[AxisName]) -> Result<(), String> {
        let axes = self.axes(over)?;
        let kind = match how {
            Filter::Median(size) => Kind::Median(along_axes(size, &axes, self.dims().len())?),
            Filter::Gaussian(sigma) => Kind::Gaussian(along_axes(sigma, &axes, self.dims().len())?),
        };
        self.pass(|input, info| Filtered::of(input, kind, info))
    }
}

/// One value for all of the axes, or one for each; `T::default()` for the others.
fn along_axes<T: Copy + Default>(values: &[T], axes: &[usize], rank: usize) -> Result<Vec<T>, String> {
    if values.len() != 1 && values.len() != axes.len() {
        return Err(format!("{} sizes for {} axes; give one, or one for each", values.len(), axes.len()));
    }
    let mut all = vec![T::default(); rank];
    axes.iter().enumerate().for_each(|(place, &axis)| all[axis] = values[place.min(values.len() - 1)]);
    Ok(all)
}

/// A list as an array: of 64-bit integers where none of them has a point.
fn list(numbers: &[Number]) -> Result<Arc<dyn Source>, String> {
    let is_whole = numbers.iter().all(|number| matches!(number, Number::Integer(_)));
    let mut bytes = Vec::with_capacity(numbers.len() * 8);
    for number in numbers {
        match number {
            Number::Integer(value) if is_whole => {
                let value =
                    i64::try_from(*value).map_err(|_| format!("{value} in a list is out of bounds for int64"))?;
                bytes.extend(value.to_le_bytes());
            }
            Number::Integer(value) => bytes.extend((*value as f64).to_le_bytes()),
            Number::Float(value) => bytes.extend(value.to_le_bytes()),
        }
    }
    let dtype = if is_whole { DType::I64 } else { DType::F64 };
    let source = MemorySource::new(dtype, Shape::from([numbers.len()]), "_", &[numbers.len().max(1)], bytes);
    source.map(|source| Arc::new(source) as Arc<dyn Source>).ok_or_else(|| "the list is too long".to_owned())
}

/// Then what a numpy index names.
pub(super) fn select(chain: &mut Chain, selection: &Selection) -> Result<(), String> {
    let selected = selection.resolve(chain.info.shape.dims()).map_err(|error| error.to_string())?;
    if selected.points().is_some_and(|points| points.dims.len() != 1) {
        return Err(
            "nested lists of indices are not taken here; give a list for each axis (`cross` takes each along its own)"
                .to_owned(),
        );
    }
    let shape = shape_of(selected.shape(), chain.program.dtype())?;
    if selected.shape() == chain.info.shape.dims() && is_all(&selected) {
        return Ok(());
    }
    chain.lay(|view| view.selected(&selected));
    facts::keep(&mut chain.info, &facts::of_selected(&selected), shape);
    Ok(())
}

/// Whether an index names all of the array in its order.
fn is_all(selected: &crate::volume::Selected) -> bool {
    selected.points().is_none()
        && selected.slices().iter().enumerate().all(|(dim, slice)| (slice.axis, slice.start, slice.step) == (dim, 0, 1))
}
