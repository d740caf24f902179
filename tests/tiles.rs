//! Large planes: only the tiles in view are read, in the resolution that fits the zoom, from the middle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tectum::array::Image;
use tectum::format::Source;
use tectum::format::memory::{GatedSource, MemorySource};
use tectum::stream::{PictureRequest, PictureState, Stream, StreamConfig, ViewRequest};
use tectum::volume::{DType, Orientation, Picture, PictureKey, Region, Shape, TileIndex};

const SIDE: [usize; 2] = [4500, 6000];

fn value(y: usize, x: usize) -> u8 {
    (y / 7 + x / 5) as u8
}

/// One plane at every `step`-th voxel, in chunks of 256 × 512.
fn plane_of(step: usize) -> MemorySource {
    let dims = SIDE.map(|len| len.div_ceil(step));
    let rows = (0..dims[0]).flat_map(|y| (0..dims[1]).map(move |x| value(y * step, x * step)));
    let shape = Shape::from([1, 1, dims[0], dims[1]]);
    MemorySource::new(DType::U8, shape, "tzyx", &[1, 1, 256, 512], rows.collect()).expect("agrees")
}

fn picture() -> Picture {
    Picture::Plane { t: 0, orientation: Orientation::Xy, index: 0 }
}

struct Stage {
    gates: Vec<Arc<GatedSource>>,
    image: Image,
    stream: Stream,
}

impl Stage {
    fn new(levels: Vec<MemorySource>) -> Self {
        let gates: Vec<_> = levels.into_iter().map(|level| GatedSource::open(Arc::new(level))).collect();
        let sources: Vec<_> = gates.iter().map(|gate| Arc::clone(gate) as Arc<dyn Source>).collect();
        let image = Image::with_levels(&sources).expect("a pyramid");
        let stream =
            Stream::new(image.clone(), StreamConfig { num_workers: 0, ..StreamConfig::default() }, Arc::new(|| ()));
        Self { gates, image, stream }
    }

    /// Asks for a part and reads what is on screen; what is to be drawn.
    fn look(&self, visible: [[usize; 2]; 2], voxels_per_px: f32, after_ms: u64) -> Vec<PictureKey> {
        let whole = PictureRequest::whole(self.image.id(), picture());
        let request = PictureRequest { visible, voxels_per_px, ..whole };
        let views = ViewRequest { views: vec![request], ..ViewRequest::default() };
        self.stream.request(&views, Instant::now() + Duration::from_millis(after_ms));
        while self.stream.stats().queued_visible > 0 {
            self.stream.run_one();
        }
        self.stream.keys(&request)
    }

    /// Every key is there and shows what its level holds there.
    fn check(&self, keys: &[PictureKey], step: usize) {
        for key in keys {
            let voxels = self.stream.picture(key).ready().unwrap_or_else(|| panic!("{key:?}"));
            let [rows, columns] = self.image.part(key).expect("a part");
            assert_eq!(voxels.shape().dims(), [rows[1] - rows[0], columns[1] - columns[0]]);
            for [y, x] in [[rows[0], columns[0]], [rows[1] - 1, columns[1] - 1], [rows[0] + 3, columns[1] - 2]] {
                let text = voxels.format_value(&[y - rows[0], x - columns[0]]);
                assert_eq!(text, Some(value(y * step, x * step).to_string()), "{key:?} at {y}, {x}");
            }
        }
    }
}

#[test]
fn only_the_tiles_in_view_are_read_in_the_level_that_fits() {
    let stage = Stage::new(vec![plane_of(1), plane_of(2), plane_of(4), plane_of(8)]);
    // All of it on a screen of a thousand pixels: one picture of a coarse level.
    let keys = stage.look([[0, 4500], [0, 6000]], 4.5, 0);
    assert_eq!(keys.iter().map(|key| (key.level, key.tile)).collect::<Vec<_>>(), [(2, None)]);
    stage.check(&keys, 4);
    assert_eq!(stage.stream.cached_ranges_of(&keys), [[0, 1]]);
    // A voxel of the level a pixel or more, never fewer.
    let levels: Vec<u8> = [0.5, 1.0, 1.9, 2.0, 7.9, 8.0, 99.0]
        .map(|voxels_per_px| stage.image.level_for(&picture(), voxels_per_px))
        .to_vec();
    assert_eq!(levels, [0, 0, 0, 1, 2, 3, 3]);
    // Near: a few tiles of the finest, the middle first, and nothing beyond them.
    let before = stage.gates[0].num_reads();
    let keys = stage.look([[1100, 2900], [2100, 3000]], 1.0, 16);
    let tiles: Vec<_> = keys.iter().map(|key| key.tile.map(|tile| [tile.row, tile.column])).collect();
    assert_eq!(tiles, [Some([1, 2]), Some([2, 2])]);
    stage.check(&keys, 1);
    // Of rows 1024 to 3072 and columns 2048 to 3072: eight by two chunks.
    let sample = 64;
    assert!(stage.gates[0].num_reads() - before <= 8 * 2 + sample);
    let decoded = stage.stream.stats().visible_bytes;
    assert!(decoded <= (1125 * 1500 * 2 + 2048 * 1024 * 2) as u64, "{decoded}");
    // Of what was not in view nothing is at hand.
    let corner = PictureKey { tile: Some(TileIndex { row: 4, column: 5 }), ..keys[0] };
    assert!(matches!(stage.stream.picture(&corner), PictureState::Loading));
    // The last tiles are smaller.
    let keys = stage.look([[4490, 4500], [5990, 6000]], 1.0, 32);
    assert_eq!(stage.image.part(&keys[0]), Some([[4096, 4500], [5120, 6000]]));
    stage.check(&keys, 1);
    assert!(stage.gates[3].num_reads() == 0, "no level is read that is not shown");
}

#[test]
fn values_are_those_of_the_finest_level_or_unknown() {
    let stage = Stage::new(vec![plane_of(1), plane_of(4)]);
    stage.gates[0].fail(2, tectum::format::ReadErrorKind::Io);
    let layer = stage.image.id();
    stage.look([[0, 4500], [0, 6000]], 4.5, 0);
    let unread = (0..4500).step_by(256).find(|y| stage.stream.value_at(layer, [0, 0, *y, 5000]).is_none());
    assert!(unread.is_some(), "a coarse voxel is no value");
    stage.look([[0, 500], [0, 2000]], 0.5, 16);
    assert_eq!(stage.stream.value_at(layer, [0, 0, 77, 99]), Some(Some(value(77, 99).to_string())));
    assert_eq!(stage.stream.value_at(layer, [0, 0, 9, 1100]), Some(None), "could not be read");
    assert_eq!(stage.stream.value_at(layer, [0, 0, 9, 9000]), None);
}

#[test]
fn a_tile_that_cannot_be_had_is_missing_among_the_others() {
    let hole = Region::new(&[0, 0, 1024, 0], &[1, 1, 2048, 1024]).expect("a box");
    let stage = Stage::new(vec![plane_of(1).with_missing(&[hole])]);
    let keys = stage.look([[1000, 2100], [0, 1500]], 1.0, 0);
    assert_eq!(keys.len(), 6, "a plane of one level is cut, too");
    for key in &keys {
        let PictureState::Ready(voxels) = stage.stream.picture(key) else { panic!("{key:?}") };
        let is_hole = key.tile == Some(TileIndex { row: 1, column: 0 });
        assert_eq!((voxels.is_void(), voxels.is_whole()), (is_hole, !is_hole), "{key:?}");
        assert_eq!(stage.stream.missing_reason(key).is_some(), is_hole);
    }
}

#[test]
fn small_planes_projections_and_whole_pictures_are_not_cut() {
    let stage = Stage::new(vec![plane_of(1), plane_of(2)]);
    let whole = PictureRequest::whole(stage.image.id(), picture());
    assert_eq!(stage.stream.keys(&whole), [PictureKey::finest(stage.image.id(), picture())]);
    let small = Stage::new(vec![plane_of(4)]);
    let request = PictureRequest { visible: [[0, 9], [0, 9]], ..PictureRequest::whole(small.image.id(), picture()) };
    assert_eq!(small.stream.keys(&request), [PictureKey::finest(small.image.id(), picture())]);
    // The last voxel of a coarse level may stand for fewer.
    let extent = |level| stage.image.extent_in(level, &picture());
    assert_eq!((extent(1), extent(2)), (Some([2250.0, 3000.0]), None));
}
