//! The channels of what was opened as layers: how they are drawn at first, what is remembered of them, and what
//! becomes of them while their files grow or are replaced.

use std::sync::Arc;

use crate::app::stage::{Scene, Stage};
use crate::format::memory::{GatedSource, MemorySource, Tape};
use crate::format::{Channel, Growing, Opened, Source};
use crate::ui::{Command, LayerState, Mode, Shown};
use crate::volume::{Blend, Colormap, DType, Shape, ViewId};

/// A channel's value at a timepoint, which all of its voxels have.
fn value(channel: usize, t: usize) -> u16 {
    (1000 * channel + 10 * t + 7) as u16
}

/// Timepoints of two planes of 8 × 8 of one channel.
fn alone(channel: usize, num_t: usize, more: u16) -> MemorySource {
    let shape = Shape::from([num_t, 2, 8, 8]);
    MemorySource::from_fn(DType::U16, shape, "tzyx", &[1, 1, 8, 8], |i| value(channel, i[0]) + more).unwrap()
}

/// The same with some channels in one array, all in each chunk.
fn together(num_t: usize, num_channels: usize, more: u16) -> MemorySource {
    let shape = Shape::from([num_t, num_channels, 2, 8, 8]);
    let value = |i: &[usize]| value(i[1], i[0]) + more;
    MemorySource::from_fn(DType::U16, shape, "t_zyx", &[1, num_channels, 1, 8, 8], value).unwrap()
}

fn channel(name: &str, source: &Arc<dyn Source>, growing: Option<Arc<dyn Growing>>, held: &[usize]) -> Channel {
    let (name, levels, held) = (name.to_owned(), vec![Arc::clone(source)], held.to_vec());
    Channel { name, color: None, limits: None, is_visible: true, levels, growing, held }
}

fn opened(channels: Vec<Channel>) -> Opened {
    let source = Arc::clone(&channels[0].levels[0]);
    Opened { channels, ..Opened::of(source, None) }
}

/// The value that all voxels drawn of a layer have.
fn drawn(stage: &Stage, layer: usize) -> Option<u16> {
    let id = stage.session.layers()[layer].id();
    let pane = stage.session.panes().iter().find(|pane| pane.asked.layer == id)?;
    let shown = pane.on_screen.as_ref().filter(|_| pane.shown == Shown::Exact)?;
    let values = shown.voxels.values::<u16>();
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
    Some(values[0])
}

fn colors(stage: &Stage) -> Vec<(Colormap, bool)> {
    stage.session.view.layers.iter().map(|layer| (layer.colormap, layer.visible)).collect()
}

#[test]
fn channels_of_one_array_are_shown_together_each_with_its_own_values() {
    let source: Arc<dyn Source> = Arc::new(together(3, 3, 0));
    let mut channels: Vec<_> = (0..3).map(|i| channel(&format!("Channel {i}"), &source, None, &[i])).collect();
    channels[1].color = Some([255, 0, 255]);
    channels[1].limits = Some([5.0, 50.0]);
    channels[2].is_visible = false;
    let mut stage = Stage::of(opened(channels), Scene::default());
    stage.settle();
    assert_eq!(
        colors(&stage),
        [(Colormap::Green, true), (Colormap::Magenta, true), (Colormap::Cyan, false)],
        "their files' colours, or free ones; what the files hide is hidden"
    );
    assert!(stage.session.view.layers.iter().all(|layer| layer.blend == Blend::Add));
    stage.apply(&Command::ScrubTo(2));
    stage.settle();
    assert_eq!([0, 1].map(|layer| drawn(&stage, layer)), [Some(value(0, 2)), Some(value(1, 2))]);
    assert_eq!(drawn(&stage, 2), None);
    // Limits that the files say stay; those of the others are measured of their own values.
    let limits = |stage: &Stage, layer: usize| {
        let session = &stage.session;
        session.view.layers[layer].contrast.of(session.view.values(session.info()))
    };
    assert_eq!(limits(&stage, 1), Some([5.0, 50.0]));
    let measured = limits(&stage, 0).unwrap();
    assert!(measured[1] <= f64::from(value(0, 2)), "{measured:?}");
    // Hidden and shown again, chosen and coloured.
    for command in [Command::ToggleLayer(2), Command::ToggleLayer(0), Command::StepLayer(-1)] {
        assert!(stage.apply(&command));
    }
    stage.apply(&Command::SetColormap(Colormap::YELLOW));
    stage.settle();
    assert_eq!([0, 1, 2].map(|layer| drawn(&stage, layer)), [None, Some(value(1, 2)), Some(value(2, 2))]);
    assert_eq!(stage.session.chosen_layer(), 2);
    assert_eq!(colors(&stage)[2], (Colormap::YELLOW, true));
    // All of that is remembered, and nothing of it is a preference for other recordings.
    let view = &stage.session.view;
    let kept = serde_json::to_string(&view.to_keep()).unwrap();
    let source: Arc<dyn Source> = Arc::new(together(3, 3, 0));
    let channels = (0..3).map(|i| channel(&format!("Channel {i}"), &source, None, &[i])).collect();
    let again = Stage::of(opened(channels), Scene::default()).session.view;
    let again = again.recalled(serde_json::from_str(&kept).unwrap(), stage.session.info());
    let of = |layer: &crate::ui::LayerView| (layer.colormap, layer.visible, layer.contrast.chosen);
    assert_eq!(again.layers.iter().map(of).collect::<Vec<_>>(), {
        let mut wanted: Vec<_> = view.layers.iter().map(of).collect();
        // What was measured is measured anew.
        for (wanted, layer) in wanted.iter_mut().zip(&view.layers) {
            for kind in 0..wanted.2.len() {
                wanted.2[kind] = wanted.2[kind].filter(|chosen| Some(*chosen) != layer.contrast.measured[kind]);
            }
        }
        wanted
    });
    assert_eq!(view.preferences().colormap, crate::ui::LayerView::default().colormap);
}

#[test]
fn channels_are_folded_each_by_itself() {
    for on_gpu in [false, true] {
        let source: Arc<dyn Source> = Arc::new(together(3, 2, 0));
        let channels = (0..2).map(|i| channel(&format!("{i}"), &source, None, &[i])).collect();
        let mut stage = Stage::of(opened(channels), Scene { on_gpu, ..Scene::default() });
        stage.apply(&Command::SetMode(Mode::Projection));
        for t in [2, 0, 1] {
            stage.apply(&Command::ScrubTo(t));
            stage.settle();
            assert_eq!([0, 1].map(|layer| drawn(&stage, layer)), [0, 1].map(|layer| Some(value(layer, t))), "{on_gpu}");
        }
        // Each kind of picture is measured of each channel.
        let values = stage.session.view.values(stage.session.info());
        let limits = [0, 1].map(|layer: usize| stage.session.view.layers[layer].contrast.of(values).unwrap());
        assert!(limits[0][1] < 1000.0 && limits[1][0] >= 1000.0, "{limits:?}");
    }
}

#[test]
fn channels_in_two_places_are_followed_and_replaced_together() {
    let tapes = [0, 1].map(|channel| Tape::begin(alone(channel, 2, 0), 1));
    let sources = [0, 1].map(|i| tapes[i].source());
    let part = |i: usize, name: &str| {
        let source: Arc<dyn Source> = sources[i].clone();
        channel(name, &source, Some(sources[i].clone()), &[])
    };
    let mut stage = Stage::of(opened(vec![part(0, "green"), part(1, "red")]), Scene::default());
    assert_eq!(colors(&stage), [(Colormap::Green, true), (Colormap::Red, true)], "as they are called");
    if !stage.session.view.follow {
        stage.apply(&Command::ToggleFollow);
    }
    let shows = |stage: &Stage, t: usize, more: u16| {
        [0, 1].iter().all(|&layer| drawn(stage, layer) == Some(value(layer, t) + more))
    };
    stage.frames_until(|stage| shows(stage, 1, 0));
    // One is a timepoint ahead: the newest that is followed is that of both.
    tapes[0].extend(alone(0, 3, 0), &[]);
    stage.frames_until(|stage| stage.session.info().shape[0] == 3);
    stage.settle();
    assert_eq!(stage.session.view.cursor.t, 1);
    tapes[1].extend(alone(1, 3, 0), &[]);
    stage.frames_until(|stage| shows(stage, 2, 0));
    // One has been begun anew: of the other nothing is shown under the new one's name.
    tapes[0].begin_anew(alone(0, 2, 500));
    stage.frames_until(|stage| drawn(stage, 0).is_some_and(|shown| shown >= 500));
    let state = |stage: &Stage, layer: usize| stage.session.state_of(&stage.session.layers()[layer]);
    for _ in 0..20 {
        stage.frame();
        assert_eq!(drawn(&stage, 1), None, "it is of the former recording");
        assert_eq!([0, 1].map(|layer| state(&stage, layer)), [LayerState::Here, LayerState::Former]);
    }
    tapes[1].begin_anew(alone(1, 2, 500));
    stage.frames_until(|stage| shows(stage, 1, 500));
    assert_eq!([0, 1].map(|layer| state(&stage, layer)), [LayerState::Here; 2]);
}

#[test]
fn channels_of_one_array_grow_at_once_and_go_with_it() {
    let tape = Tape::begin(together(2, 3, 0), 1);
    let source = tape.source();
    let of: Arc<dyn Source> = source.clone();
    let channels = (0..3).map(|i| channel(&format!("{i}"), &of, Some(source.clone()), &[i])).collect();
    let mut stage = Stage::of(opened(channels), Scene::default());
    stage.frames_until(|stage| (0..3).all(|layer| drawn(stage, layer) == Some(value(layer, 0))));
    tape.extend(together(4, 3, 0), &[]);
    stage.frames_until(|stage| stage.session.info().shape[0] == 4);
    stage.apply(&Command::ScrubTo(3));
    stage.frames_until(|stage| (0..3).all(|layer| drawn(stage, layer) == Some(value(layer, 3))));
    // Another one in its place has two.
    stage.apply(&Command::SetActiveLayer(2));
    tape.begin_anew(together(2, 2, 100));
    stage.frames_until(|stage| stage.session.layers().len() == 2);
    stage.frames_until(|stage| (0..2).all(|layer| drawn(stage, layer) == Some(value(layer, 1) + 100)));
    assert_eq!((stage.session.view.layers.len(), stage.session.chosen_layer()), (2, 1));
}

#[test]
fn a_layer_that_has_fewer_planes_lies_where_they_are() {
    let shorter = |num_z: usize| {
        let shape = Shape::from([1, num_z, 8, 8]);
        MemorySource::from_fn(DType::U16, shape, "tzyx", &[1, 1, 8, 8], |_| 200u16).unwrap()
    };
    let sources: Vec<Arc<dyn Source>> = vec![Arc::new(shorter(8)), Arc::new(shorter(4))];
    let channels = vec![channel("a", &sources[0], None, &[]), channel("b", &sources[1], None, &[])];
    let mut stage = Stage::of(opened(channels), Scene::default());
    stage.apply(&Command::SetOrientation(crate::volume::Orientation::Xz));
    for layer in [0, 1] {
        stage.apply(&Command::SetActiveLayer(layer));
        stage.apply(&Command::SetLimits([0.0, 200.0]));
    }
    stage.settle();
    let image = stage.picture(Vec::new());
    let canvas = stage.canvas(ViewId::default());
    let placed = crate::ui::place::image_rect(
        canvas,
        stage.session.info(),
        crate::volume::Orientation::Xz,
        crate::ui::Camera::FIT,
    );
    let at = |z: usize| {
        let center = crate::ui::place::voxel_rect(placed, [8, 8], [4, z]).center();
        image.get_pixel(center.x as u32, center.y as u32).0[..3].to_vec()
    };
    assert_eq!((at(2), at(6)), (vec![255, 255, 255], vec![0, 255, 0]), "magenta over green in half of the planes");
    // Where the cursor is beyond its end there is nothing of it.
    stage.apply(&Command::SetOrientation(crate::volume::Orientation::Xy));
    stage.apply(&Command::DepthTo(6));
    stage.settle();
    assert_eq!((drawn(&stage, 0), drawn(&stage, 1)), (Some(200), None));
    assert_eq!(stage.session.state_of(&stage.session.layers()[1]), LayerState::Ended);
}

#[test]
fn the_chosen_channel_is_measured_whichever_others_go() {
    let gates: Vec<_> = (0..3).map(|i| GatedSource::open(Arc::new(alone(i, 4, 0)))).collect();
    let part = |i: usize| {
        let source: Arc<dyn Source> = gates[i].clone();
        channel(&format!("{i}"), &source, None, &[])
    };
    let mut stage = Stage::of(opened((0..3).map(part).collect()), Scene::default());
    stage.session.start_checking();
    let is_measured = |stage: &Stage, means: f64| {
        let quality = stage.session.quality().unwrap();
        let first = quality.snapshot.table.row(0).map(|row| f64::from(row.planes[0].mean));
        quality.snapshot.progress.done == 4 && first == Some(means)
    };
    stage.frames_until(|stage| is_measured(stage, 7.0));
    stage.apply(&Command::SetActiveLayer(1));
    stage.frames_until(|stage| is_measured(stage, 1007.0));
    // What was measured of a channel is there at once when it is chosen again, and is not read again.
    let reads = gates[0].num_reads();
    stage.apply(&Command::SetActiveLayer(0));
    stage.frame();
    assert!(is_measured(&stage, 7.0));
    assert_eq!(gates[0].num_reads(), reads);
    // The one that takes the place of one that is gone had been held while the other was chosen.
    stage.session.remove_layers(|layer| layer.name == "0");
    assert_eq!(stage.session.name_of(stage.session.layer()), "1");
    stage.frames_until(|stage| !stage.session.quality().unwrap().snapshot.progress.is_paused);
    assert!(is_measured(&stage, 1007.0));
    stage.session.remove_layers(|layer| layer.name == "1");
    stage.frames_until(|stage| is_measured(stage, 2007.0));
}
