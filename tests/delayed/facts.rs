//! What is known of a result, which chunks it reads, and how often.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tectum::array::delayed::{Operations, delayed, selected};
use tectum::format::memory::{GatedSource, MemorySource};
use tectum::format::{Chunk, Filled, ReadError, Source};
use tectum::volume::{ArrayInfo, Axis, DType, Grid, LayerId, Location, Problem, Region, Shape, ValueScale, VoxelSize};

use crate::common::{indices, read_whole};
use crate::support::computed;

fn array() -> MemorySource {
    let value = |index: &[usize]| index.iter().fold(1u16, |value, i| value * 5 + *i as u16);
    let source =
        MemorySource::from_fn(DType::U16, Shape::from([6, 2, 3, 4, 5]), "tczyx", &[1, 1, 3, 4, 5], value).unwrap();
    source.with_info(|info| {
        info.rate_hz = Some(8.0);
        info.voxel_size = Some(VoxelSize::of([5.0, 1.0, 0.5]));
        info.value_scale = Some(ValueScale { factor: 2.0, offset: 1.0, unit: "V".to_owned() });
    })
}

fn info(text: &str) -> Arc<ArrayInfo> {
    Arc::clone(computed(Arc::new(array()), text).unwrap_or_else(|error| panic!("{error}")).info())
}

#[test]
fn rate_and_voxel_size_follow_what_is_taken() {
    let facts = |text: &str| {
        let info = info(text);
        (info.axes_in_letters(), info.rate_hz, info.voxel_size.map(|size| size.edges()))
    };
    let size = Some([5.0, 1.0, 0.5]);
    assert_eq!(facts("subset [::2]"), ("tczyx".to_owned(), Some(4.0), size));
    assert_eq!(facts("subset [::-2, 1, ..., ::4]"), ("tzyx".to_owned(), Some(4.0), Some([5.0, 1.0, 2.0])));
    assert_eq!(facts("subset [[0, 3], :, 1]"), ("tcyx".to_owned(), Some(8.0 / 3.0), size));
    assert_eq!(facts("subset [[0, 1, 3]]").1, None, "the timepoints lie unevenly");
    assert_eq!(facts("subset [..., [0, 1, 3]]").2, None);
    assert_eq!(facts("transpose"), ("xyzct".to_owned(), Some(8.0), size));
    assert_eq!(facts("mean over t | subset [1]"), ("zyx".to_owned(), Some(8.0), size));
    assert_eq!(facts("median_filter 3 over y, x | cast f4"), ("tczyx".to_owned(), Some(8.0), size));
}

#[test]
fn the_meaning_of_values_is_said_only_of_what_was_stored() {
    let is_known = |text: &str| info(text).value_scale.is_some();
    assert!(
        is_known("subset [::2] | transpose")
            && is_known("cast f4")
            && is_known("max over t")
            && is_known("median_filter 3")
    );
    assert!(
        !is_known("add 1") && !is_known("log") && !is_known("cast u1") && !is_known("mean over t") && !is_known("sum")
    );
    assert!(!is_known("dff mean") && !is_known("background 3") && !is_known("gaussian_filter 1"));
    let channels = |text: &str| info(text).channel_axis;
    assert_eq!((channels("subset [0]"), channels("transpose"), channels("mean over c")), (Some(0), Some(3), None));
    assert_eq!(info("log | mean over t | * 2").facts.len(), 1, "one line says all of it");
}

#[test]
fn a_chain_is_one_pass_over_the_layer_that_shows_the_recording() {
    let (source, layer) = (Arc::new(array()) as Arc<dyn Source>, LayerId::next());
    let none = |_: &str| -> Result<Arc<dyn Source>, _> { unreachable!() };
    let operations: Operations = "subset [::2] | - 3 | / 2 | transpose | round 1 | > 4 | subset [1:]".parse().unwrap();
    let result = delayed(Arc::clone(&source), layer, 2, &operations, &none).unwrap();
    let inputs = result.composite().unwrap().inputs();
    assert_eq!((inputs.len(), inputs[0].layer, inputs[0].level), (1, layer, 2));
    assert!(Arc::ptr_eq(&inputs[0].source, &source));
    let nothing = delayed(Arc::clone(&source), layer, 0, &Operations::default(), &none).unwrap();
    assert!(Arc::ptr_eq(&nothing, &source), "nothing to be done costs nothing");
    let all = selected(&source, &"...".parse().unwrap()).unwrap();
    assert!(Arc::ptr_eq(&all, &source));
}

#[test]
fn only_what_is_needed_is_read_and_neighbours_once() {
    let reads = |text: &str| {
        let gated = GatedSource::open(Arc::new(array()));
        let result = computed(Arc::clone(&gated) as _, text).unwrap();
        read_whole(&*result);
        gated.num_reads()
    };
    assert_eq!(reads("- 1 | sqrt"), 12);
    assert_eq!(reads("subset [1:5:3, 0] | log"), 2);
    assert_eq!(reads("median_filter 5 over t"), 12, "each is a neighbour of five");
    assert_eq!(reads("gaussian_filter 2 over t | dff mean window 5"), 12);
    assert_eq!(reads("dff percentile 10 of 1:3"), 12 + 4, "the baseline is computed once");
    assert_eq!(reads("mean over t"), 12);
}

/// An array whose timepoints are known.
struct Timed(MemorySource);

impl Source for Timed {
    fn info(&self) -> &Arc<ArrayInfo> {
        self.0.info()
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.0.chunks(region, chunks);
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        self.0.read(chunk, buffer)
    }

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn times_s(&self) -> Option<Vec<f64>> {
        Some(vec![0.0, 0.5, 1.0, 2.5, 3.0, 3.5])
    }
}

#[test]
fn times_follow_the_timepoints() {
    let result = computed(Arc::new(array()), "subset [[3, 1]]").unwrap();
    assert_eq!(result.times_s(), None, "nothing is known of the recording's");
    let times = |text: &str| computed(Arc::new(Timed(array())), text).unwrap().times_s();
    assert_eq!(times("subset [[3, 1]] | log"), Some(vec![2.5, 0.5]));
    let all = Timed(array()).times_s();
    for text in ["median_filter 3", "gaussian_filter 2 over t", "dff mean window 3", "dff mean of :2", "max over y"] {
        assert_eq!(times(text), all, "{text}");
    }
    assert_eq!(times("max over t"), None);
}

#[test]
fn steps_that_read_what_came_before_again_are_counted() {
    let long = |step: &str, num: usize| vec![step; num].join(" | ");
    for step in ["median_filter 1", "dff mean of 0:2", "dff mean window 3", "background percentile 5 over y, x"] {
        let start = Instant::now();
        read_whole(&*computed(Arc::new(array()), &long(step, 4)).unwrap());
        assert!(computed(Arc::new(array()), &long(step, 8)).is_ok(), "{step}");
        let refused = computed(Arc::new(array()), &long(step, 64)).err().unwrap().to_string();
        assert!(refused.contains("step 9") && refused.contains("more than 8 steps"), "{refused}");
        assert!(start.elapsed() < Duration::from_secs(30), "{step}: {:?}", start.elapsed());
    }
}

#[test]
fn long_windows_are_the_same_however_chunks_are_cut() {
    const DIMS: [usize; 4] = [36, 1, 130, 300];
    let value = |index: &[usize]| (index[0] * 7919 + index[2] * 104_729 + index[3] * 1_299_709) as u16 % 4001;
    let gap = Region::new(&[3, 0, 60, 40], &[5, 1, 71, 290]).unwrap();
    let cut = |grid: [usize; 4]| {
        let source = MemorySource::from_fn(DType::U16, Shape::from(DIMS), "tzyx", &grid, value).unwrap();
        Arc::new(source.with_missing(&[gap])) as Arc<dyn Source>
    };
    for text in [
        "dff percentile 20 window 31",
        "dff mean window 31",
        "gaussian_filter 4, 1 over t, x",
        "median_filter 31 over t",
    ] {
        // The first is made in strips, of 9 MB around each chunk.
        let [large, small] =
            [[1, 1, 130, 300], [1, 1, 13, 300]].map(|grid| read_whole(&*computed(cut(grid), text).unwrap()));
        let mut num_missing = 0;
        let item = large.bytes.len() / DIMS.iter().product::<usize>();
        for (at, index) in indices(&DIMS).enumerate() {
            assert_eq!(large.is_missing(&index), small.is_missing(&index), "{text} {index:?}");
            num_missing += usize::from(large.is_missing(&index));
            let [a, b] = [&large, &small].map(|whole| &whole.bytes[at * item..(at + 1) * item]);
            assert!(large.is_missing(&index) || a == b, "{text} {index:?}");
        }
        assert!(num_missing > 0 && num_missing < DIMS.iter().product(), "{text}");
    }
}

/// More voxels than any machine holds, one value.
struct Huge {
    info: Arc<ArrayInfo>,
    grid: Grid,
}

impl Huge {
    fn of(dims: [usize; 4]) -> Arc<dyn Source> {
        let shape = Shape::from(dims);
        let axes = Axis::ALL.map(Some).to_vec();
        let info = ArrayInfo { axes, ..ArrayInfo::new("huge", Location::parse("huge"), "huge", shape, DType::U16) };
        let cell = Shape::from([1, 1, dims[2].min(256), dims[3].min(256)]);
        Arc::new(Self { info: Arc::new(info), grid: Grid::new(shape, cell).unwrap() })
    }
}

impl Source for Huge {
    fn info(&self) -> &Arc<ArrayInfo> {
        &self.info
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        self.grid.each(region, |cell| chunks.push(Chunk { index: cell.position, region: cell.region }));
    }

    fn region_of(&self, _: &Range<u64>) -> Region {
        Region::whole(&self.info.shape)
    }

    fn read(&self, _: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        buffer.fill(1);
        Ok(Filled::All)
    }

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

#[test]
fn arrays_larger_than_memory_are_computed_piece_by_piece() {
    let source = || Huge::of([100_000, 50, 4096, 4096]);
    let start = Instant::now();
    for text in [
        "- 1 | / 3 | subset [::7, 1:, ::-2, 5:] | transpose 0, 3, 2, 1 | > 2",
        "median_filter 3 over y, x | gaussian_filter 1 over t | dff percentile 10 window 31",
        "max over y, x | std over z",
        "cross [[5, 99999, 7], :, [1, 4000, 2], ::3] | background percentile 5 over y, x",
    ] {
        let result = computed(source(), text).unwrap_or_else(|error| panic!("{error}"));
        let whole = Region::whole(&result.info().shape);
        let mut corner = whole;
        for axis in 0..whole.rank() {
            corner = corner.with_axis(axis, whole.stop()[axis] - 1, whole.stop()[axis]);
        }
        let mut chunks = Vec::new();
        result.chunks(&corner, &mut chunks);
        assert_eq!(chunks.len(), 1, "{text}");
        if !text.contains("dff") {
            let num_bytes = chunks[0].region.shape().num_bytes(result.info().dtype).unwrap();
            assert!(matches!(result.read(&chunks[0], &mut vec![0; num_bytes]), Ok(Filled::All)), "{text}");
        }
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    let refused = |text: &str| computed(source(), text).err().unwrap().to_string();
    assert!(refused("median over t").contains("needs them all at once"));
    assert!(refused("dff percentile 10").contains("subset"));
    assert!(refused("median_filter 65 over y, x").contains("4225 voxels"));
    assert!(refused("dff mean window 1000001").contains("GB around every chunk"));
}
