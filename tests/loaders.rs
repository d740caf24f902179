//! What a format or a kernel gets wrong in spite of its promise costs a picture, not a thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tectum::array::LazyArray;
use tectum::format::memory::MemorySource;
use tectum::format::{Chunk, Filled, ReadError, Source};
use tectum::stream::{PictureState, Stream, StreamConfig, SurveyState, ViewRequest};
use tectum::volume::{ArrayInfo, DType, Orientation, Picture, Problem, Projection, Region, Shape};

/// Panics when a chunk of timepoint 1 is read, or, where it lies about one, when that is folded.
struct Broken {
    inner: MemorySource,
    lies: bool,
    has_read: AtomicBool,
}

impl Broken {
    fn stream(lies: bool) -> Stream {
        let shape = Shape::from([4, 2, 8, 8]);
        let inner = MemorySource::new(DType::U8, shape, "tzyx", &[1, 1, 8, 8], vec![9; 512]).expect("agrees");
        let source = Self { inner, lies, has_read: AtomicBool::new(false) };
        // One thread that looks at what is on screen: if it dies nothing comes any more.
        Stream::with_workers(Arc::new(LazyArray::new(Arc::new(source))), 1)
    }
}

impl Source for Broken {
    fn info(&self) -> &Arc<ArrayInfo> {
        self.inner.info()
    }

    fn chunks(&self, region: &Region, chunks: &mut Vec<Chunk>) {
        let first = chunks.len();
        self.inner.chunks(region, chunks);
        if self.lies && self.has_read.load(Ordering::SeqCst) {
            // The same chunk has eight times the voxels it had when it was read.
            for chunk in chunks[first..].iter_mut().filter(|chunk| chunk.region.start()[0] == 1) {
                chunk.region = chunk.region.with_axis(1, chunk.region.start()[1], chunk.region.start()[1] + 8);
            }
        }
    }

    fn read(&self, chunk: &Chunk, buffer: &mut [u8]) -> Result<Filled, ReadError> {
        if chunk.region.start()[0] == 1 {
            assert!(self.lies, "made to fall over");
            self.has_read.store(true, Ordering::SeqCst);
        }
        self.inner.read(chunk, buffer)
    }

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

fn settled(stream: &Stream, picture: Picture) -> PictureState {
    let key = stream.array().picture_key(picture);
    stream.request(&ViewRequest::of(key.layer, picture), Instant::now());
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match stream.picture(&key) {
            PictureState::Loading => assert!(Instant::now() < deadline, "{picture:?} never comes"),
            state => return state,
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_panic_while_reading_costs_a_chunk() {
    let stream = Broken::stream(false);
    for t in [1, 0, 1, 2] {
        let plane = Picture::Plane { t, orientation: Orientation::Xy, index: 0 };
        let max = Picture::Projection { t, orientation: Orientation::Xy, slab: [0, 2], op: Projection::Max };
        for picture in [plane, max] {
            match settled(&stream, picture) {
                PictureState::Failed(error) => assert!(t == 1 && error.message.contains("internal error"), "{error}"),
                PictureState::Ready(voxels) => {
                    assert_eq!((t == 1, voxels.format_value(&[3, 3])), (false, Some("9".into())))
                }
                PictureState::Loading | PictureState::Refused(_) => unreachable!("settled"),
            }
        }
    }
    // The sample and the survey go on without it.
    let deadline = Instant::now() + Duration::from_secs(20);
    let (layer, sum) = (stream.array().id(), Projection::Sum);
    let sum = Picture::Projection { t: 0, orientation: Orientation::Xy, slab: [0, 2], op: sum };
    let key = stream.array().picture_key(sum);
    while stream.sample(layer).is_none() || stream.survey(&key) == SurveyState::Running {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
    let SurveyState::Done(sample) = stream.survey(&key) else { panic!("there are values") };
    assert_eq!((sample.min, sample.num_voxels), (18.0, 3 * 64));
}

#[test]
fn a_panic_while_folding_costs_a_picture() {
    let stream = Broken::stream(true);
    for t in [1, 0, 2, 1, 3] {
        let max = Picture::Projection { t, orientation: Orientation::Xy, slab: [0, 2], op: Projection::Max };
        match settled(&stream, max) {
            PictureState::Failed(error) => assert!(t == 1 && error.message.contains("internal error"), "{error}"),
            PictureState::Ready(voxels) => {
                assert_eq!((t == 1, voxels.format_value(&[3, 3])), (false, Some("9".into())))
            }
            PictureState::Loading | PictureState::Refused(_) => unreachable!("settled"),
        }
    }
}

#[test]
fn a_chunk_larger_than_the_budget_is_refused_before_it_is_read() {
    use tectum::format::memory::GatedSource;
    let shape = Shape::from([2, 1, 64, 64]);
    let source = MemorySource::new(DType::U8, shape, "tzyx", &[1, 1, 64, 64], vec![1; 8192]).expect("agrees");
    let gate = GatedSource::closed(Arc::new(source));
    let config = StreamConfig { ram_budget_bytes: 4095, num_workers: 1, ..StreamConfig::default() };
    let stream = Stream::new(Arc::new(LazyArray::new(gate.clone())), config, Arc::new(|| ()));
    let plane = Picture::Plane { t: 0, orientation: Orientation::Xy, index: 0 };
    let max = Picture::Projection { t: 1, orientation: Orientation::Xy, slab: [0, 1], op: Projection::Max };
    for picture in [plane, max] {
        let PictureState::Failed(error) = settled(&stream, picture) else { panic!("{picture:?}") };
        assert!(error.message.contains("budget"), "{error}");
    }
    assert_eq!(gate.num_reads(), 0);
}
