//! A chain of elementwise operations, carried out over small runs of voxels so that none of its steps takes memory of
//! its own.

use std::cell::Cell;

use super::convert::{Block, bytes, bytes_mut, convert};
use super::kernel;
use super::lane::Laid;
use super::operator::{Beside, Binary, Unary, floating};
use crate::volume::DType;

/// Voxels of a run: few enough for the processor's first caches.
pub(super) const RUN: usize = 2048;

/// What is done with a run.
#[derive(Clone)]
enum Instruction {
    Convert { from: DType, to: DType },
    Unary { op: Unary, dtype: DType },
    Binary { op: Binary, dtype: DType, with: With, is_left: bool },
    CompareMixed { op: Binary, lane: usize, is_current_signed: bool, is_left: bool },
    Round { decimals: i32, dtype: DType },
    Truth(bool),
}

/// What stands beside the values of a run.
#[derive(Clone)]
enum With {
    /// A run of one value.
    Constant(Vec<u64>),
    /// Another lane, and the type its voxels have.
    Lane { lane: usize, from: DType },
}

/// A chain of operations on the voxels of the first lane.
#[derive(Clone)]
pub(super) struct Program {
    instructions: Vec<Instruction>,
    first: DType,
    now: DType,
}

/// A plain number, a list or an array beside the values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    Integer(i128),
    Float(f64),
    Lane { lane: usize, dtype: DType },
}

impl Program {
    /// Nothing to be done with voxels of that type.
    pub fn new(dtype: DType) -> Self {
        Self { instructions: Vec::new(), first: dtype, now: dtype }
    }

    /// The type of what it gives.
    pub fn dtype(&self) -> DType {
        self.now
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// Then numpy's `astype`.
    pub fn cast(&mut self, to: DType) {
        if self.now != to {
            self.instructions.push(Instruction::Convert { from: self.now, to });
            self.now = to;
        }
    }

    /// Then a function of each value.
    ///
    /// # Errors
    /// numpy's, where there is no such function of that type.
    pub fn unary(&mut self, op: Unary) -> Result<(), String> {
        let types = op.types(self.now)?;
        self.cast(types.computed);
        self.instructions.push(Instruction::Unary { op, dtype: types.computed });
        self.now = types.result;
        Ok(())
    }

    /// Then rounding to so many decimals.
    ///
    /// # Errors
    /// Of bool, which numpy only rounds to whole numbers.
    pub fn round(&mut self, decimals: i32) -> Result<(), String> {
        if self.now == DType::Bool {
            if decimals != 0 {
                return Err("numpy rounds bool to whole numbers only; cast to a number first".to_owned());
            }
            self.cast(floating(DType::Bool));
        }
        self.instructions.push(Instruction::Round { decimals, dtype: self.now });
        Ok(())
    }

    /// Then a function of each value and of what stands beside it, on its left where `is_left`.
    ///
    /// # Errors
    /// numpy's, where there is none.
    pub fn binary(&mut self, op: Binary, operand: Operand, is_left: bool) -> Result<(), String> {
        use DType::{I64, U64};
        let beside = match operand {
            Operand::Integer(value) => Beside::Integer(value),
            Operand::Float(value) => Beside::Float(value),
            Operand::Lane { dtype, .. } => Beside::Array(dtype),
        };
        match (operand, self.now) {
            // Integers of any size are compared exactly.
            (Operand::Integer(value), now)
                if op.is_comparison()
                    && now.integer_range().is_some()
                    && now != DType::Bool
                    && op.types(now, beside).is_err() =>
            {
                self.instructions.push(Instruction::Truth(compares_with(op, value, is_left)));
                self.now = DType::Bool;
                return Ok(());
            }
            (Operand::Lane { lane, dtype }, now)
                if op.is_comparison() && [[I64, U64], [U64, I64]].contains(&[now, dtype]) =>
            {
                self.instructions.push(Instruction::CompareMixed { op, lane, is_current_signed: now == I64, is_left });
                self.now = DType::Bool;
                return Ok(());
            }
            _ => {}
        }
        let types = op.types(self.now, beside)?;
        if op == Binary::Power && !types.computed.is_float() {
            refuse_negative_power(operand, self.now, is_left)?;
        }
        let with = match operand {
            Operand::Integer(value) => With::Constant(constant_integer(value, types.computed)),
            Operand::Float(value) => With::Constant(constant(value, types.computed)),
            Operand::Lane { lane, dtype } => With::Lane { lane, from: dtype },
        };
        self.cast(types.computed);
        self.instructions.push(Instruction::Binary { op, dtype: types.computed, with, is_left });
        self.now = types.result;
        Ok(())
    }

    /// Carries it out on all voxels of the lanes, which are those of a box of the result in C order; `target` takes
    /// its bytes.
    pub fn run(&self, lanes: &[Laid<'_>], target: &mut [u8]) {
        if self.instructions.is_empty() {
            lanes[0].load(0, target);
            return;
        }
        let item = self.now.num_bytes();
        let mut blocks = SPARE.take().unwrap_or_default();
        for (number, target) in target.chunks_mut(RUN * item).enumerate() {
            let (from, len) = (number * RUN, target.len() / item);
            lanes[0].load(from, bytes_mut(&mut blocks.now, len * self.first.num_bytes()));
            for instruction in &self.instructions {
                blocks.step(instruction, lanes, from, len);
            }
            target.copy_from_slice(bytes(&blocks.now, len * item));
        }
        SPARE.set(Some(blocks));
    }
}

thread_local! {
    /// The memory of the last program that ran on this thread.
    static SPARE: Cell<Option<Blocks>> = const { Cell::new(None) };
}

/// Memory for the runs of one program.
struct Blocks {
    now: Vec<u64>,
    next: Vec<u64>,
    loaded: Vec<u64>,
    beside: Vec<u64>,
}

impl Default for Blocks {
    fn default() -> Self {
        let run = || vec![0; RUN];
        Self { now: run(), next: run(), loaded: run(), beside: run() }
    }
}

impl Blocks {
    fn step(&mut self, instruction: &Instruction, lanes: &[Laid<'_>], from: usize, len: usize) {
        let Self { now, next, loaded, beside } = self;
        match instruction {
            Instruction::Convert { from, to } => convert(*from, *to, now, next, len),
            Instruction::Unary { op, dtype } => kernel::unary(*op, *dtype, now, next, len),
            Instruction::Round { decimals, dtype } => kernel::round(*decimals, *dtype, now, next, len),
            Instruction::Truth(value) => bytes_mut(next, len).fill(u8::from(*value)),
            Instruction::CompareMixed { op, lane, is_current_signed, is_left } => {
                lanes[*lane].load(from, bytes_mut(beside, len * 8));
                if *is_current_signed {
                    kernel::compare_mixed(*op, now, beside, *is_left, next, len);
                } else {
                    kernel::compare_mixed(*op, beside, now, !*is_left, next, len);
                }
            }
            Instruction::Binary { op, dtype, with, is_left } => {
                let beside: &Block = match with {
                    With::Constant(run) => run,
                    With::Lane { lane, from: stored } => {
                        let item = stored.num_bytes();
                        if stored == dtype {
                            lanes[*lane].load(from, bytes_mut(beside, len * item));
                        } else {
                            lanes[*lane].load(from, bytes_mut(loaded, len * item));
                            convert(*stored, *dtype, loaded, beside, len);
                        }
                        beside
                    }
                };
                let (left, right): (&Block, &Block) = if *is_left { (beside, now) } else { (now, beside) };
                kernel::binary(*op, *dtype, left, right, next, len);
            }
        }
        std::mem::swap(now, next);
    }
}

/// What comparing any value of an integer type with an integer beyond that type gives.
fn compares_with(op: Binary, value: i128, is_left: bool) -> bool {
    // Beyond the largest, everything is less than it; below the smallest, greater.
    let is_array_less = (value > 0) != is_left;
    match op {
        Binary::NotEqual => true,
        Binary::Less | Binary::LessEqual => is_array_less,
        Binary::Greater | Binary::GreaterEqual => !is_array_less,
        _ => false,
    }
}

/// numpy looks at every exponent; what is not known before it is read is refused before.
fn refuse_negative_power(operand: Operand, now: DType, is_left: bool) -> Result<(), String> {
    let is_signed = |dtype: DType| dtype.integer_range().is_some_and(|[low, _]| low < 0.0);
    match operand {
        Operand::Integer(value) if !is_left => match value < 0 {
            true => Err("Integers to negative integer powers are not allowed.".to_owned()),
            false => Ok(()),
        },
        Operand::Lane { dtype, .. } if !is_left && !is_signed(dtype) => Ok(()),
        _ if is_left && !is_signed(now) => Ok(()),
        _ => Err("the exponents are integers with a sign, and may be negative, which numpy refuses; cast to f8 first"
            .to_owned()),
    }
}

fn constant_integer(value: i128, dtype: DType) -> Vec<u64> {
    match dtype {
        // What does not fit was refused, but for floating point, which takes the nearest.
        DType::Bool => constant(f64::from(u8::from(value != 0)), dtype),
        _ if dtype.is_float() => constant(value as f64, dtype),
        _ => repeated(&value.to_le_bytes()[..dtype.num_bytes()]),
    }
}

fn constant(value: f64, dtype: DType) -> Vec<u64> {
    let (source, mut one) = ([value.to_bits()], [0]);
    convert(DType::F64, dtype, &source, &mut one, 1);
    repeated(bytes(&one, dtype.num_bytes()))
}

fn repeated(voxel: &[u8]) -> Vec<u64> {
    let mut run = vec![0; RUN];
    bytes_mut(&mut run, RUN * voxel.len()).chunks_exact_mut(voxel.len()).for_each(|to| to.copy_from_slice(voxel));
    run
}
