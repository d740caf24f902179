//! A session with a real stream and a real device, driven without a window.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Session;
use crate::app::stage::{Scene, Stage};
use crate::format::memory::{GatedSource, MemorySource, Tape};
use crate::format::{Chunk, Filled, ReadError, ReadErrorKind, Source};
use crate::stream::{PictureState, StreamConfig};
use crate::ui::{Command, Loop, Mode, PlayMode, SessionCommand, Shown};
use crate::volume::{
    ArrayInfo, Axis, DType, Orientation, Picture, Piece, PieceState, Problem, Projection, Region, Shape, ValueKind,
};

const SIDE: usize = 1024;

/// Four timepoints of one plane of 1 MiB each.
fn stage(upload_bytes_per_frame: usize, on_gpu: bool) -> Stage {
    let bytes = (0..4).flat_map(|t| vec![10 + 50 * t; SIDE * SIDE]).collect();
    let source = MemorySource::new(DType::U8, Shape::from([4, 1, SIDE, SIDE]), "tzyx", &[1, 1, SIDE, SIDE], bytes);
    stage_of(Arc::new(source.unwrap()), upload_bytes_per_frame, on_gpu)
}

/// Planes of 8 × 8 in chunks of their own, each of one value: 10 t + z.
fn small(num_t: usize, num_z: usize) -> MemorySource {
    let shape = Shape::from([num_t, num_z, 8, 8]);
    MemorySource::from_fn(DType::U16, shape, "tzyx", &[1, 1, 8, 8], |i| (10 * i[0] + i[1]) as u16).unwrap()
}

fn stage_of(source: Arc<dyn Source>, upload_bytes_per_frame: usize, on_gpu: bool) -> Stage {
    Stage::new(source, Scene { upload_bytes_per_frame, on_gpu, ..Scene::default() })
}

#[test]
fn a_picture_on_its_way_to_the_gpu_is_called_by_the_one_on_screen() {
    for on_gpu in [false, true] {
        // Now and then the next timepoint is read first, and shown until this one is there: not this time.
        let mut stage = std::iter::repeat_with(|| {
            let mut stage = stage(128 << 10, on_gpu);
            stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
            stage
        })
        .find(|stage| stage.renderer.stats().uploads == 1)
        .unwrap();
        let next = Picture::Plane { t: 1, orientation: Orientation::Xy, index: 0 };
        stage.apply(&Command::ScrubTo(1));
        stage.frames_until(|stage| {
            matches!(stage.session.stream.picture(&stage.session.array().picture_key(next)), PictureState::Ready(_))
        });
        let mut num_uploading = 0;
        stage.frames_until(|stage| match *stage.session.shown() {
            Shown::Exact => true,
            Shown::Nearest { t: 0 } => {
                num_uploading += 1;
                false
            }
            ref shown => panic!("{shown:?}"),
        });
        assert!(num_uploading >= 4, "{num_uploading} of eight frames were marked");
    }
}

#[test]
fn once_a_motion_is_over_the_stream_is_asked_to_look_both_ways() {
    for on_gpu in [false, true] {
        let mut stage = stage(16 << 20, on_gpu);
        stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
        for t in [1, 2, 3] {
            stage.apply(&Command::ScrubTo(t));
            stage.frame();
        }
        let moving = stage.session.stream.stats().num_plans;
        stage.frames_until(|stage| stage.session.moved.is_none());
        assert_eq!(stage.session.stream.stats().num_plans, moving + 1);
        assert_eq!(stage.session.advance(Instant::now(), 1.0), None, "and the window sleeps");
    }
}

#[test]
fn what_could_not_be_read_is_read_again_when_asked() {
    for on_gpu in [false, true] {
        let gate = GatedSource::open(Arc::new(small(3, 1)));
        gate.fail(0, ReadErrorKind::Io);
        let mut stage = stage_of(gate.clone(), 16 << 20, on_gpu);
        stage.frames_until(|stage| matches!(stage.session.shown(), Shown::Missing(_)));
        gate.heal(0);
        assert!(stage.apply(&Command::Session(SessionCommand::RetryFailures)));
        stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
        assert_eq!(gate.num_reads_of(0), 2);
    }
}

#[test]
fn playing_shows_a_missing_timepoint_as_missing_and_goes_on() {
    for on_gpu in [false, true] {
        let gap = Region::new(&[2, 0, 0, 0], &[4, 1, 8, 8]).unwrap();
        let mut stage = stage_of(Arc::new(small(7, 1).with_missing(&[gap])), 16 << 20, on_gpu);
        let (mode, at_end) = (Command::SetPlayMode(PlayMode::EveryFrame), Command::SetLoop(Loop::Off));
        for command in [mode, at_end, Command::SetPlayRate(50.0), Command::TogglePlay] {
            stage.apply(&command);
        }
        let mut seen = Vec::new();
        stage.frames_until(|stage| {
            let is_missing = matches!(stage.session.shown(), Shown::Missing(_));
            if stage.session.is_settled() && seen.last() != Some(&(stage.session.view.cursor.t, is_missing)) {
                seen.push((stage.session.view.cursor.t, is_missing));
            }
            !stage.session.view.play.is_running
        });
        let expected: Vec<_> = (0..7).map(|t| (t, t == 2 || t == 3)).collect();
        assert_eq!(seen, expected, "every timepoint once, the missing ones as such");
        assert_eq!(stage.session.playback.num_skipped(), 0);
    }
}

#[test]
fn a_recording_replaced_by_a_shorter_one_is_named_as_what_it_is() {
    for on_gpu in [false, true] {
        let mut stage = stage_of(Arc::new(small(60, 4)), 16 << 20, on_gpu);
        let far = [Command::ScrubTo(59), Command::DepthTo(3), Command::SetSlab(Some([2, 4]))];
        far.iter().for_each(|command| assert!(stage.apply(command)));
        stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
        stage.session.start_again(0, Arc::new(small(10, 2)), Instant::now());
        stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
        let session = &stage.session;
        assert_eq!((session.view.cursor.t, session.view.depth_index(), session.view.has_slab()), (9, 1, true));
        assert_eq!(session.on_screen().unwrap().voxels.values::<u16>(), [91; 64]);
        // Nor does going back in the view lead out of it.
        stage.apply(&Command::ScrubTo(1));
        // A later state of the same recording may be shorter, too.
        stage.session.grow(0, Arc::new(small(5, 2)), &[], Instant::now());
        assert_eq!(stage.session.view.cursor.t, 1);
        stage.apply(&Command::Undo);
        assert_eq!(stage.session.view.cursor.t, 4);
    }
}

#[test]
fn while_a_large_picture_is_uploaded_nothing_of_the_former_recording_stands_in() {
    for on_gpu in [false, true] {
        let mut stage = stage(128 << 10, on_gpu);
        stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
        let bytes = vec![77; 2 * SIDE * SIDE];
        let source = MemorySource::new(DType::U8, Shape::from([2, 1, SIDE, SIDE]), "tzyx", &[1, 1, SIDE, SIDE], bytes);
        stage.session.start_again(0, Arc::new(source.unwrap()), Instant::now());
        let mut num_uploading = 0;
        stage.frames_until(|stage| match *stage.session.shown() {
            Shown::Exact => true,
            Shown::Nothing => {
                num_uploading += usize::from(stage.session.on_screen().is_some());
                false
            }
            ref shown => panic!("{shown:?} is of the former recording"),
        });
        assert!(num_uploading >= 4, "{num_uploading} of eight frames showed nothing");
    }
}

/// Planes that are no volume's chunk alone: three timepoints of 6 × 8 × 8, in chunks of two planes.
fn deep() -> MemorySource {
    let shape = Shape::from([6, 6, 8, 8]);
    let value = |i: &[usize]| (1000 + i[0] * 397 + i[1] * 61 + i[2] * 17 + i[3] * 5) as u16 % 1009;
    let t_gone = Region::new(&[1, 0, 0, 0], &[2, 6, 8, 8]).unwrap();
    let z_gone = Region::new(&[2, 2, 0, 0], &[3, 4, 8, 8]).unwrap();
    let corner = Region::new(&[3, 0, 0, 0], &[4, 6, 3, 3]).unwrap();
    let source = MemorySource::from_fn(DType::U16, shape, "tzyx", &[1, 2, 8, 8], value).unwrap();
    source.with_missing(&[t_gone, z_gone, corner]).with_failing(&[14])
}

#[test]
fn cpu_and_gpu_show_the_same_pictures_of_everything() {
    let mut stages = [false, true].map(|on_gpu| stage_of(Arc::new(deep()), 16 << 20, on_gpu));
    let mut num_compared = 0;
    for orientation in Orientation::ALL {
        let slabs = [(Projection::Max, Some([1, 5])), (Projection::Std, Some([2, 4]))];
        for (op, slab) in Projection::ALL.into_iter().map(|op| (op, None)).chain(slabs) {
            for t in [0, 1, 2, 3] {
                let [cpu, gpu] = [0, 1].map(|i| {
                    let stage = &mut stages[i];
                    let projection = [Command::SetOrientation(orientation), Command::SetMode(Mode::Projection)];
                    projection.iter().for_each(|command| _ = stage.apply(command));
                    stage.apply(&Command::SetProjection(op));
                    stage.apply(&Command::SetSlab(slab));
                    stage.apply(&Command::ScrubTo(t));
                    stage.frame();
                    stage.frames_until(|stage| stage.session.is_settled());
                    let stats = stage.session.stream.stats();
                    assert!(stats.picture_bytes <= stats.picture_budget_bytes);
                    let voxels = stage.session.on_screen().map(|shown| Arc::clone(&shown.voxels));
                    (stage.session.shown().clone(), voxels)
                });
                let what = format!("{op:?} over {orientation:?} of t {t}");
                assert_eq!(cpu.0, gpu.0, "{what}");
                // Of the planes 2 and 3 of t 2, nothing was ever written.
                let is_gone = t == 1 || t == 2 && orientation == Orientation::Xy && slab == Some([2, 4]);
                assert_eq!(matches!(cpu.0, Shown::Missing(_)), is_gone, "{what}");
                let (Some(cpu), Some(gpu)) = (cpu.1, gpu.1) else { continue };
                assert_eq!((cpu.missing(), cpu.gaps()), (gpu.missing(), gpu.gaps()), "{what}");
                assert_eq!(cpu.dtype(), gpu.dtype(), "{what}");
                if cpu.dtype().is_float() {
                    let pairs = cpu.values::<f32>().iter().zip(gpu.values::<f32>());
                    pairs.for_each(|(a, b)| assert!((a - b).abs() <= 1e-6 * a.abs(), "{what}: {a} and {b}"));
                } else {
                    assert_eq!(cpu.bytes(), gpu.bytes(), "{what}");
                }
                num_compared += 1;
            }
        }
    }
    assert!(num_compared >= 3 * 7 * 2, "{num_compared}");
}

#[test]
fn a_step_through_planes_decodes_one_plane_on_any_gpu() {
    for on_gpu in [false, true] {
        let config = StreamConfig { num_workers: 0, ..StreamConfig::with_ram_budget(64 << 20) };
        let mut stage = Stage::new(Arc::new(small(4, 20)), Scene { on_gpu, stream: config, ..Scene::default() });
        for (i, z) in [3, 9, 17].into_iter().enumerate() {
            let before = stage.session.stream.stats();
            stage.apply(&Command::ScrubTo(i));
            stage.apply(&Command::DepthTo(z));
            stage.frame();
            while stage.session.stream.stats().queued_visible > 0 {
                stage.session.stream.run_one();
            }
            stage.frame();
            assert_eq!(*stage.session.shown(), Shown::Exact);
            let stats = stage.session.stream.stats();
            assert_eq!(stats.decoded_bytes - before.decoded_bytes, 8 * 8 * 2, "one chunk");
        }
        let volume = stage.session.asked_key().at(0).volume();
        assert!(stage.session.stream.volume(&volume).is_none());
    }
}

#[test]
fn projections_are_read_once_and_there_at_once_when_one_goes_back() {
    for on_gpu in [false, true] {
        let gate = GatedSource::open(Arc::new(small(8, 3)));
        let mut stage = stage_of(gate.clone(), 16 << 20, on_gpu);
        stage.apply(&Command::SetMode(Mode::Projection));
        for t in 0..8 {
            stage.apply(&Command::ScrubTo(t));
            stage.frame();
            stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
        }
        let picture = stage.session.asked();
        assert_eq!(stage.session.stream.cached_ranges(&stage.session.array().picture_key(picture)), [[0, 8]]);
        stage.frames_until(|stage| {
            let stats = stage.session.stream.stats();
            stats.queued == 0 && stats.num_folding == 0
        });
        let num_reads = gate.num_reads();
        for t in (0..8).rev() {
            stage.apply(&Command::ScrubTo(t));
            stage.frame();
            assert_eq!(*stage.session.shown(), Shown::Exact, "in the very frame");
        }
        assert_eq!(gate.num_reads(), num_reads, "on_gpu {on_gpu}");
    }
}

#[test]
fn a_scrub_through_projections_without_end_shows_some_of_them() {
    for on_gpu in [false, true] {
        // Each volume takes several frames to get to the GPU.
        let mut stage = stage_of(Arc::new(small(40, 4)), 200, on_gpu);
        stage.apply(&Command::SetMode(Mode::Projection));
        stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
        let mut seen = std::collections::HashSet::new();
        for i in 0..100 {
            stage.apply(&Command::ScrubTo(i % 40));
            stage.frame();
            std::thread::sleep(Duration::from_millis(2));
            seen.extend(stage.session.on_screen().map(|shown| shown.key.picture.t()));
        }
        assert!(seen.len() > 5, "on_gpu {on_gpu}: {seen:?}");
    }
}

#[test]
fn a_missing_plane_is_named_on_the_picture() {
    for on_gpu in [false, true] {
        let mut stage = stage_of(Arc::new(small(2, 24).with_failing(&[3])), 16 << 20, on_gpu);
        stage.apply(&Command::SetMode(Mode::Projection));
        stage.frame();
        stage.frames_until(|stage| *stage.session.shown() == Shown::Exact);
        let voxels = &stage.session.on_screen().unwrap().voxels;
        assert_eq!(voxels.values::<u16>(), [23; 64]);
        assert!(voxels.missing().is_empty());
        let text = crate::ui::gaps_text(voxels.gaps().unwrap(), crate::volume::Axis::Z);
        assert_eq!(text, "23 of 24 planes, z 3 missing");
    }
}

#[test]
fn the_measuring_ends_where_there_is_no_finite_value() {
    let shape = Shape::from([3, 2, 8, 8]);
    let source = MemorySource::from_fn(DType::F32, shape, "tzyx", &[1, 1, 8, 8], |_| f32::NAN).unwrap();
    let mut stage = stage_of(Arc::new(source), 16 << 20, false);
    stage.frames_until(|stage| stage.session.is_measured() && *stage.session.shown() == Shown::Exact);
    assert_eq!(stage.session.contrast().why_none(ValueKind::Voxels), Some("No finite values"));
    // As it does for projections.
    stage.apply(&Command::SetMode(Mode::Projection));
    stage.frame();
    stage.frames_until(|stage| stage.session.is_measured() && *stage.session.shown() == Shown::Exact);
    assert_eq!(stage.session.contrast().why_none(ValueKind::Max), Some("No finite values"));
}

/// A source that counts how often it is asked for its pieces.
struct Counted(MemorySource, AtomicUsize);

impl Source for Counted {
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

    fn pieces(&self) -> Vec<Piece> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let state = PieceState::Whole;
        vec![Piece { axis: Some(Axis::T), range: [0, self.1.load(Ordering::Relaxed)], state }]
    }
}

#[test]
fn pieces_are_copied_again_only_where_something_has_been_read() {
    let source = Arc::new(Counted(small(3, 1), AtomicUsize::new(0)));
    let stream = StreamConfig { num_workers: 0, ..StreamConfig::with_ram_budget(64 << 20) };
    let mut session = Stage::new(source.clone(), Scene { stream, ..Scene::default() }).session;
    let (start, mut seconds) = (Instant::now(), 0);
    let mut num_copies_after = |session: &mut Session| {
        for _ in 0..5 {
            seconds += 1;
            session.advance(start + Duration::from_secs(seconds), 0.0);
        }
        source.1.load(Ordering::Relaxed)
    };
    let before = num_copies_after(&mut session);
    assert_eq!(num_copies_after(&mut session), before, "nothing was read");
    assert!(session.stream.run_one());
    assert_eq!(num_copies_after(&mut session), before + 1);
    assert_eq!(session.facts.pieces[0].range, [0, before + 1], "and what was found is shown");
    while session.stream.run_one() {}
    assert_eq!(num_copies_after(&mut session), before + 2);
}

#[test]
fn a_recording_that_lies_in_no_file_is_followed_like_any_other() {
    // Two planes at each timepoint, of one value each.
    let planes = |num_t: usize, first: usize| {
        let value = move |i: &[usize]| (first + 10 * i[0] + i[1]) as u16;
        MemorySource::from_fn(DType::U16, Shape::from([num_t, 2, 8, 8]), "tzyx", &[1, 1, 8, 8], value).unwrap()
    };
    for on_gpu in [false, true] {
        let tape = Tape::begin(planes(1, 0), 1);
        let mut stage = Stage::following(tape.source(), Scene { on_gpu, ..Scene::default() });
        stage.apply(&Command::SetMode(Mode::Projection));
        if !stage.session.view.follow {
            stage.apply(&Command::ToggleFollow);
        }
        // What is on screen is all of one value, that of the brighter plane.
        let shows = |stage: &Stage, value: u16| {
            let Some(shown) = stage.session.on_screen().filter(|_| stage.session.shown() == &Shown::Exact) else {
                return false;
            };
            shown.voxels.bytes().chunks_exact(2).all(|voxel| voxel == value.to_le_bytes())
        };
        stage.frames_until(|stage| shows(stage, 1));
        for num_t in 2..4 {
            tape.extend(planes(num_t, 0), &[]);
            stage.frames_until(|stage| shows(stage, 10 * (num_t as u16 - 1) + 1));
        }
        tape.begin_anew(planes(1, 500));
        stage.frames_until(|stage| shows(stage, 501));
        assert_eq!(stage.session.info().shape[0], 1);
        tape.finish();
        stage.frames_until(|stage| !stage.session.view.follow);
    }
}
