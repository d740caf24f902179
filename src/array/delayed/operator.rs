//! The operators, by numpy's names, and numpy's rules for the types of what they give.

use crate::volume::DType;

macro_rules! operators {
    ($(#[$meta:meta])* $name:ident { $($variant:ident $text:literal $symbol:literal $words:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// numpy's name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The sign that may be written instead; empty where there is none.
            pub fn symbol(self) -> &'static str {
                match self { $(Self::$variant => $symbol,)* }
            }

            /// What it does, in words.
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }

            /// The one of that name.
            pub fn of_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|op| op.name() == name)
            }
        }
    };
}

operators! {
    /// Functions of one value.
    Unary {
        Log "log" "" "natural logarithm",
        Log1p "log1p" "" "logarithm of 1 + the value",
        Log2 "log2" "" "logarithm to base 2",
        Log10 "log10" "" "logarithm to base 10",
        Exp "exp" "" "exponential",
        Expm1 "expm1" "" "exponential minus 1",
        Sqrt "sqrt" "" "square root",
        Abs "abs" "" "absolute value",
        Sin "sin" "" "sine",
        Cos "cos" "" "cosine",
        Tan "tan" "" "tangent",
        Sinh "sinh" "" "hyperbolic sine",
        Cosh "cosh" "" "hyperbolic cosine",
        Tanh "tanh" "" "hyperbolic tangent",
        Arcsin "arcsin" "" "arc sine",
        Arccos "arccos" "" "arc cosine",
        Arctan "arctan" "" "arc tangent",
        Arcsinh "arcsinh" "" "inverse hyperbolic sine",
        Arccosh "arccosh" "" "inverse hyperbolic cosine",
        Arctanh "arctanh" "" "inverse hyperbolic tangent",
        Ceil "ceil" "" "round up",
        Floor "floor" "" "round down",
        Trunc "trunc" "" "cut towards zero",
        Sign "sign" "" "sign: -1, 0 or 1",
        Isnan "isnan" "" "whether it is no number",
        LogicalNot "logical_not" "!" "whether it is zero",
    }
}

operators! {
    /// Functions of two values.
    Binary {
        Add "add" "+" "add",
        Subtract "subtract" "-" "subtract",
        Multiply "multiply" "*" "multiply by",
        Divide "divide" "/" "divide by",
        Remainder "remainder" "%" "remainder of division by",
        FloorDivide "floor_divide" "//" "divide, rounding down, by",
        Power "power" "**" "raise to the power",
        Equal "equal" "==" "whether equal to",
        NotEqual "not_equal" "!=" "whether not equal to",
        Greater "greater" ">" "whether greater than",
        GreaterEqual "greater_equal" ">=" "whether at least",
        Less "less" "<" "whether less than",
        LessEqual "less_equal" "<=" "whether at most",
        LogicalAnd "logical_and" "&" "whether both it and this are not zero:",
        LogicalOr "logical_or" "" "whether it or this is not zero:",
        LogicalXor "logical_xor" "^" "whether only one of it and this is not zero:",
    }
}

/// The type of what stands beside an array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Beside {
    /// A plain integer: it takes the array's type.
    Integer(i128),
    /// A plain number with a point: it takes the array's type where that is floating point.
    Float(f64),
    /// Another array, or a list.
    Array(DType),
}

/// Types of one operation: that in which it is computed, and that of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types {
    pub computed: DType,
    pub result: DType,
}

/// numpy's common type of two.
pub(super) fn promoted(a: DType, b: DType) -> DType {
    use DType::{Bool, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    /// Bits of value of an integer, and whether it has a sign.
    fn integer(dtype: DType) -> Option<(u32, bool)> {
        Some(match dtype {
            Bool => (0, false),
            U8 => (8, false),
            U16 => (16, false),
            U32 => (32, false),
            U64 => (64, false),
            I8 => (8, true),
            I16 => (16, true),
            I32 => (32, true),
            I64 => (64, true),
            F16 | F32 | F64 => return None,
        })
    }
    /// The smallest floating point type that goes with an integer.
    fn float_beside((bits, _): (u32, bool)) -> DType {
        match bits {
            0..=8 => F16,
            16 => F32,
            _ => F64,
        }
    }
    let wider = |a: DType, b: DType| if a.num_bytes() >= b.num_bytes() { a } else { b };
    match (integer(a), integer(b)) {
        _ if a == b => a,
        (None, None) => wider(a, b),
        (Some(a), None) => wider(float_beside(a), b),
        (None, Some(b)) => wider(a, float_beside(b)),
        (Some((0, _)), Some(_)) => b,
        (Some(_), Some((0, _))) => a,
        (Some((m, is_a)), Some((n, is_b))) if is_a == is_b => {
            if m >= n {
                a
            } else {
                b
            }
        }
        (Some((m, is_a)), Some((n, _))) => {
            let (with_sign, without) = if is_a { (m, n) } else { (n, m) };
            match with_sign.max(2 * without) {
                8 => I8,
                16 => I16,
                32 => I32,
                64 => I64,
                _ => F64,
            }
        }
    }
}

/// The floating point type in which functions of a type are computed.
pub(super) fn floating(dtype: DType) -> DType {
    match dtype {
        DType::Bool | DType::U8 | DType::I8 => DType::F16,
        DType::U16 | DType::I16 => DType::F32,
        DType::F16 | DType::F32 | DType::F64 => dtype,
        _ => DType::F64,
    }
}

/// The value of an integer as that type has it.
///
/// # Errors
/// numpy's, where the type cannot hold it.
pub(super) fn fitting(value: i128, dtype: DType) -> Result<(), String> {
    let fits = match dtype {
        DType::U64 => u64::try_from(value).is_ok(),
        DType::I64 => i64::try_from(value).is_ok(),
        _ => dtype.integer_range().is_none_or(|[low, high]| (low as i128..=high as i128).contains(&value)),
    };
    if fits { Ok(()) } else { Err(format!("Python integer {value} out of bounds for {dtype}")) }
}

impl Unary {
    /// Types of this function of an array of `dtype`.
    ///
    /// # Errors
    /// Where numpy has no such function of that type.
    pub(super) fn types(self, dtype: DType) -> Result<Types, String> {
        let same = Types { computed: dtype, result: dtype };
        Ok(match self {
            Self::Isnan | Self::LogicalNot => Types { computed: dtype, result: DType::Bool },
            Self::Sign if dtype == DType::Bool => {
                return Err("numpy has no sign of bool; cast to a number first".to_owned());
            }
            Self::Abs | Self::Sign | Self::Ceil | Self::Floor | Self::Trunc => same,
            _ => Types { computed: floating(dtype), result: floating(dtype) },
        })
    }
}

impl Binary {
    /// Whether it gives true or false.
    pub fn is_logical(self) -> bool {
        matches!(self, Self::LogicalAnd | Self::LogicalOr | Self::LogicalXor)
    }

    /// Whether it compares.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::Greater | Self::GreaterEqual | Self::Less | Self::LessEqual)
    }

    /// The common type of an array and what stands beside it; a plain integer has to fit.
    fn common(self, array: DType, beside: Beside) -> Result<DType, String> {
        Ok(match beside {
            Beside::Array(other) => promoted(array, other),
            Beside::Float(_) if array.is_float() => array,
            Beside::Float(_) => DType::F64,
            Beside::Integer(value) => {
                let common = if array == DType::Bool { DType::I64 } else { array };
                if self != Self::Divide {
                    fitting(value, common)?;
                }
                common
            }
        })
    }

    /// Types of this function of an array of `dtype` and of what stands beside it.
    ///
    /// # Errors
    /// numpy's, where there is none.
    pub(super) fn types(self, array: DType, beside: Beside) -> Result<Types, String> {
        if self.is_logical() {
            if let Beside::Integer(value) = beside {
                fitting(value, if value < 0 { DType::I64 } else { DType::U64 })?;
            }
            return Ok(Types { computed: DType::Bool, result: DType::Bool });
        }
        let common = self.common(array, beside)?;
        if self.is_comparison() {
            return Ok(Types { computed: common, result: DType::Bool });
        }
        let of = |dtype| Types { computed: dtype, result: dtype };
        Ok(match self {
            Self::Subtract if common == DType::Bool => {
                return Err("numpy boolean subtract, the `-` operator, is not supported, use logical_xor".to_owned());
            }
            Self::Divide => of(if common.is_float() { common } else { DType::F64 }),
            Self::Remainder | Self::FloorDivide | Self::Power if common == DType::Bool => of(DType::I8),
            _ => of(common),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DType::{Bool, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};

    #[test]
    fn types_are_promoted_as_numpy_does() {
        for (a, b, both) in [
            (Bool, U8, U8),
            (U8, I8, I16),
            (U16, I16, I32),
            (U32, I8, I64),
            (U64, I8, F64),
            (I64, I8, I64),
            (F16, I8, F16),
            (F16, U16, F32),
            (F16, I32, F64),
            (F32, I16, F32),
            (F32, I64, F64),
            (F32, U32, F64),
            (U16, F64, F64),
            (F16, Bool, F16),
        ] {
            assert_eq!((promoted(a, b), promoted(b, a)), (both, both), "{a} and {b}");
        }
    }

    #[test]
    fn a_plain_number_takes_the_type_of_the_array() {
        let types = |op: Binary, array, beside| op.types(array, beside).map(|types| types.result);
        assert_eq!(types(Binary::Add, U16, Beside::Integer(10)), Ok(U16));
        assert_eq!(types(Binary::Add, U16, Beside::Float(0.5)), Ok(F64));
        assert_eq!(types(Binary::Add, F32, Beside::Float(0.5)), Ok(F32));
        assert_eq!(types(Binary::Divide, U8, Beside::Integer(300)), Ok(F64));
        assert_eq!(types(Binary::Add, Bool, Beside::Integer(1)), Ok(I64));
        let refused = types(Binary::Add, U8, Beside::Integer(300));
        assert_eq!(refused, Err("Python integer 300 out of bounds for uint8".to_owned()));
        assert_eq!(Unary::Log1p.types(U8).map(|types| types.result), Ok(F16));
    }
}
