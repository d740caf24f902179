//! What can be written, how it is printed, and what is said of what cannot.

use std::sync::Arc;

use proptest::prelude::*;
use tectum::array::delayed::{
    AxisName, Background, Binary, Filter, Frames, Level, Number, Operand, Operations, Reduction, Step, Unary, catalogue,
};
use tectum::format::Source;
use tectum::format::memory::MemorySource;
use tectum::volume::{Axis, DType, Shape};

use crate::support::computed;

fn canonical(text: &str) -> String {
    text.parse::<Operations>().unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

#[test]
fn there_is_one_printed_form() {
    for (text, printed) in [
        ("- 100|/ 3 | log1p", "subtract 100 | divide 3 | log1p"),
        ("-100", "subtract 100"),
        (">=1e3 | !", "greater_equal 1000.0 | logical_not"),
        ("divide [1,2,3.5] over x", "divide [1, 2, 3.5] over x"),
        ("add other.h5#a/b", "add @other.h5#a/b"),
        ("add @\"my | file \\\"1\\\".h5#x\" over -1", "add @\"my | file \\\"1\\\".h5#x\" over -1"),
        ("subset 1:5:2, :, 3:, ::-1", "subset [1:5:2, :, 3:, ::-1]"),
        ("cross [[0,2],[3,1,1,0],:,[5,4,19]]", "cross [[0, 2], [3, 1, 1, 0], :, [5, 4, 19]]"),
        ("cast uint16 | cast <f4", "cast u2 | cast f4"),
        ("concatenate @a.h5, b.npy over T", "concatenate @a.h5, @b.npy over t"),
        ("var ddof 1 over z,y | median", "var over z, y ddof 1 | median"),
        (
            "median_filter 3 | gaussian_filter 1,2 over z, x",
            "median_filter 3 over y, x | gaussian_filter 1.0, 2.0 over z, x",
        ),
        (
            "dff mean | dff percentile 10 of 5: | dff mean window 11",
            "dff mean of : | dff percentile 10.0 of 5: | dff mean window 11",
        ),
        ("background 100 | background percentile 5", "background 100 | background percentile 5.0 over y, x"),
        ("rsubtract 1.5 | round | round -2", "rsubtract 1.5 | round 0 | round -2"),
    ] {
        assert_eq!(canonical(text), printed);
        assert_eq!(canonical(printed), printed);
    }
    let quoted = "add @\"it's.h5\"".parse::<Operations>().unwrap().quoted();
    assert_eq!(quoted, r#"'add @"it'\''s.h5"'"#);
}

#[test]
fn everything_in_the_catalogue_can_be_written() {
    let entries = catalogue();
    for entry in &entries {
        let operations: Operations = entry.example.parse().unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        assert!(canonical(&entry.example).starts_with(&entry.name) && !operations.words().is_empty());
    }
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), entries.len(), "each name once");
}

#[test]
fn words_are_a_sentence() {
    let words = |text: &str| text.parse::<Operations>().unwrap().words();
    assert_eq!(
        words("- 100 | / @a.h5#scale_x over x | log1p"),
        "subtract 100, divide by scale_x along x, then logarithm of 1 + the value"
    );
    assert_eq!(words("rsubtract 1"), "1 - the value");
    assert_eq!(
        words("dff percentile 10 window 101"),
        "ΔF/F₀ with percentile 10 of 101 timepoints around each as baseline"
    );
    assert_eq!(words("mean over t"), "mean over t");
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    for (text, said) in [
        ("", "step 1 (): a step is empty; steps are separated by one `|`, each an operation such as `subtract 100`"),
        ("log1q", "step 1 (log1q): no operation is named \"log1q\"; log10 is one"),
        ("log | foo 3", "step 2 (foo 3): no operation is named \"foo\""),
        ("subtract", "step 1 (subtract): a number, a list such as [1, 2], or an array such as @file.npy is missing"),
        ("subtract [1, 2", "step 1 (subtract [1, 2): a list of numbers is separated by commas and ends with `]`"),
        (
            "subtract 1 over x",
            "step 1 (subtract 1 over x): a single number is the same along every axis; leave `over` out",
        ),
        ("add @\"open", "\"add @\\\"open\": a quotation mark is not closed"),
        ("log 3", "step 1 (log 3): nothing more is expected than what stands before \"3\""),
        ("median_filter 2", "step 1 (median_filter 2): \"2\" is no odd size"),
        ("percentile 101", "step 1 (percentile 101): \"101\" is no percentage from 0 to 100"),
        ("subset [1:2", "step 1 (subset [1:2): `[1:2` is not an index, at character 3: expected `,` or `]`"),
        ("cast u3", "step 1 (cast u3): \"u3\" is no type; u2, f4 and the like are"),
    ] {
        assert_eq!(text.parse::<Operations>().unwrap_err().to_string(), said);
    }
    let many = vec!["log"; 65].join("|");
    assert_eq!(many.parse::<Operations>().unwrap_err().to_string(), "65 steps; 64 are the most");
}

fn array(dtype: DType) -> Arc<dyn Source> {
    let shape = Shape::from([4, 3, 5, 6]);
    let bytes = vec![1; shape.num_bytes(dtype).unwrap()];
    Arc::new(MemorySource::new(dtype, shape, "tzyx", &[1, 3, 5, 6], bytes).unwrap())
}

#[test]
fn what_does_not_fit_the_array_is_refused_by_step() {
    let refused = |dtype, text: &str| computed(array(dtype), text).err().map(|error| error.to_string());
    for (dtype, text, said) in [
        (DType::U8, "log | add 1 | add [1, 2] over x", "step 3 (add [1, 2] over x): a vector of 2 along an axis of 6"),
        (DType::U8, "add 300", "step 1 (add 300): Python integer 300 out of bounds for uint8"),
        (DType::U8, "subset [0, 9]", "step 1 (subset [0, 9]): index 9 is out of bounds for axis 1 with size 3"),
        (
            DType::U8,
            "transpose 0, 1",
            "step 1 (transpose 0, 1): axes don't match array: an order of the 4 axes names each of them once, from 0",
        ),
        (DType::U8, "mean over c", "step 1 (mean over c): there is no axis of channels; its axes are tzyx"),
        (DType::U8, "mean over z | mean over z", "step 2 (mean over z): there is no axis z; its axes are tyx"),
        (DType::U8, "sum over t, 0", "step 1 (sum over t, 0): duplicate value in 'axis'"),
        (DType::I16, "power -1", "step 1 (power -1): Integers to negative integer powers are not allowed."),
        (DType::Bool, "sign", "step 1 (sign): numpy has no sign of bool; cast to a number first"),
        (
            DType::U8,
            "median_filter 101 over y, x",
            "step 1 (median_filter 101 over y, x): the median of 10201 voxels around each; 4096 are the most",
        ),
        (
            DType::U8,
            "gaussian_filter 1e9 over y, x",
            "step 1 (gaussian_filter 1000000000.0 over y, x): a window so large needs 17179869183 GB around every chunk; take a smaller one",
        ),
        (DType::U8, "dff mean of 7:9", "step 1 (dff mean of 7:9): there is no timepoint from 7 to 4; there are 4"),
        (DType::U8, "add @nowhere.npy", "step 1 (add @nowhere.npy): nowhere.npy: no such file or folder"),
        (
            DType::U8,
            "subset [:0] | max",
            "step 2 (max): zero-size array to reduction operation max which has no identity",
        ),
    ] {
        assert_eq!(refused(dtype, text).as_deref(), Some(said), "{text}");
    }
}

fn axis() -> impl Strategy<Value = AxisName> {
    prop_oneof![
        (-9i32..9).prop_map(AxisName::Number),
        Just(AxisName::Channels),
        (0usize..4).prop_map(|i| AxisName::Named(Axis::ALL[i])),
    ]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i128>().prop_map(Number::Integer),
        any::<f64>().prop_filter("is a number", |v| !v.is_nan()).prop_map(Number::Float)
    ]
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        number().prop_map(Operand::Number),
        (prop::collection::vec(number(), 1..5), prop::option::of(axis()))
            .prop_map(|(list, over)| Operand::List(list, over)),
        (".{0,12}", prop::option::of(axis())).prop_map(|(name, over)| Operand::Array(name, over)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let axes = || prop::collection::vec(axis(), 1..4);
    let percent = || 0.0..=100.0f64;
    prop_oneof![
        (0..Unary::ALL.len()).prop_map(|i| Step::Unary(Unary::ALL[i])),
        (0..Binary::ALL.len(), operand(), any::<bool>()).prop_map(|(i, operand, is_left)| Step::Binary {
            op: Binary::ALL[i],
            operand,
            is_left
        }),
        (-300i32..=300).prop_map(Step::Round),
        (0..12usize).prop_map(|i| Step::Cast(DType::ALL[i])),
        prop::option::of(prop::collection::vec(any::<usize>(), 1..6)).prop_map(Step::Transpose),
        "[0-9:,]{1,8}".prop_filter_map("an index", |text| Some(Step::Subset(text.parse().ok()?))),
        (prop::collection::vec(".{1,9}", 1..3), axis()).prop_map(|(names, over)| Step::Concatenate { names, over }),
        (any::<u32>(), axes()).prop_map(|(ddof, over)| Step::Reduce { how: Reduction::Std(ddof), over }),
        (percent(), axes()).prop_map(|(percent, over)| Step::Reduce { how: Reduction::Percentile(percent), over }),
        (0usize..99, axes()).prop_map(|(n, over)| Step::Filter { how: Filter::Median(vec![2 * n + 1]), over }),
        (1e-3..1e6f64, axes()).prop_map(|(sigma, over)| Step::Filter { how: Filter::Gaussian(vec![sigma, 1.0]), over }),
        (percent(), 0usize..999)
            .prop_map(|(p, n)| Step::Dff { level: Level::Percentile(p), of: Frames::Window(2 * n + 1) }),
        (prop::option::of(any::<usize>()), prop::option::of(any::<usize>()))
            .prop_map(|(a, b)| Step::Dff { level: Level::Mean, of: Frames::Range(a, b) }),
        number().prop_map(|value| Step::Background(Background::Value(value))),
        (percent(), axes()).prop_map(|(p, over)| Step::Background(Background::Percentile(p, over))),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_what_it_was(steps in prop::collection::vec(step(), 1..6)) {
        let operations = Operations { steps };
        prop_assert_eq!(operations.to_string().parse::<Operations>(), Ok(operations.clone()), "{}", operations);
        prop_assert!(!operations.words().is_empty());
    }

    #[test]
    fn any_text_is_read_or_refused_in_one_line(text in ".{0,60}") {
        if let Err(error) = text.parse::<Operations>() {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }

    #[test]
    fn nearly_right_text_is_read_or_refused(
        words in prop::collection::vec(prop::sample::select(vec![
            "subtract", "1", "|", "over", "x", "[", "]", "1:2", "@", "\"", "cast", "u2", "dff", "mean", "of", "window",
            "3", ",", "-", "**", "subset", "transpose", "percentile", "background", "concatenate", "t", "ddof", "std",
        ]), 0..12),
    ) {
        let text = words.join(" ");
        if let Ok(operations) = text.parse::<Operations>() {
            prop_assert_eq!(operations.to_string().parse::<Operations>(), Ok(operations.clone()));
            let _ = computed(array(DType::U16), &text.replace('@', ""));
        }
    }
}
