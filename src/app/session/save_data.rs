//! A session's side of saving data: what the sheet says, as steps from the recording to what is written.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::Session;
use crate::app::saving::{Request, Written, data_folder};
use crate::array::{LazyArray, ViewInfo};
use crate::ui::{DataOptions, Missing, Overlay, SaveKind};
use crate::volume::Axis;

impl Session {
    /// Whether the sheet is open, and about data.
    pub(super) fn is_saving_data(&self) -> bool {
        self.view.panels.overlay == Some(Overlay::Save) && self.view.data.kind == SaveKind::Data
    }

    /// Where the data will be saved.
    pub(in crate::app) fn data_save_path(&self) -> PathBuf {
        PathBuf::from(&self.data_saver.shown.path)
    }

    /// Lets saving data go on: looks what the sheet asks for, and takes in what was written.
    pub(in crate::app) fn update_data_saver(&mut self, now: Instant) {
        match self.data_saver.collect() {
            Some(Written::Done(path, not_carried)) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let without = match not_carried.as_slice() {
                    [] => String::new(),
                    facts => format!(" (without {})", facts.join(", ")),
                };
                self.saver.say_saved(format!("Saved {name}{without}"), path, now);
            }
            Some(Written::Failed(reason)) => {
                // Also for whoever does not look just now.
                tracing::warn!("not saved: {reason}");
                self.did_not_save = true;
                self.saver.say_failed(format!("Not saved: {reason}"), now);
            }
            Some(Written::Stopped) => self.saver.say_failed("Stopped; nothing was saved".to_owned(), now),
            None => {}
        }
        if !self.is_saving_data() {
            self.data_saver.close();
            return;
        }
        let (options, info) = (self.view.data, *self.layer().info());
        let name = match self.layers.len() {
            1 => self.name().to_owned(),
            _ => format!("{}_{}", self.name(), self.layer().name),
        };
        let name = options.file_name(&name, &self.view, &info);
        let folder = data_folder(&self.view, self.array().source().info());
        self.data_saver.propose(&folder.join(name));
        self.data_saver.shown.missing = self.missing_of(&options);
        let request = self.data_request();
        self.data_saver.look(request, &self.wake, now);
    }

    /// Begins to write what the sheet says.
    pub(super) fn save_data(&mut self, now: Instant) {
        if self.data_saver.begin(&self.wake, now) {
            self.view.data_folder.clone_from(&self.data_saver.folder);
        } else {
            self.saver.say_failed("Not saved: it changed meanwhile; look at it once more".to_owned(), now);
        }
    }

    /// What the sheet says. What is computed is computed of all of it, as it is shown, before a part is taken.
    fn data_request(&self) -> Request {
        let (layer, options) = (self.layer(), &self.view.data);
        let shown = layer.image.finest();
        let held = index_text(&layer.array().held_axes(), layer.array());
        let part = index_text(&self.words(shown, options), shown);
        // What lacks timepoints has the rate that follows from those it has.
        let rate_hz = match self.kept_timepoints(options) {
            None => layer.info().rate_hz,
            Some(_) => layer.array().source().info().rate_hz,
        };
        let fold = options.folds(&self.view, layer.info()).map(|(op, axis)| format!("{} over {axis}", op.name()));
        let mut operations = Vec::new();
        match layer.computed_texts() {
            Some(texts) => {
                operations.extend(held.map(subset));
                operations.extend(texts.iter().cloned());
                operations.extend(part.map(subset));
            }
            None => {
                let held = layer.array().held_axes().into_iter().map(|(axis, index)| (axis, index.to_string()));
                let words: Vec<_> = self.words(shown, options).into_iter().chain(held).collect();
                operations.extend(index_text(&words, shown).map(subset));
            }
        }
        operations.extend(fold);
        Request {
            source: Arc::clone(layer.array().source()),
            layer: layer.recorded.id(),
            info: ViewInfo { rate_hz, ..*layer.info() },
            fill: match options.missing {
                Missing::Fill(value) => Some(value),
                Missing::Refuse | Missing::LeaveOut => None,
            },
            others: self.others.named_by(&operations),
            operations,
            format: options.format,
            path: self.data_saver.shown.path.clone(),
        }
    }

    /// For each own axis that is t, z, y or x the index along it.
    fn words(&self, array: &LazyArray, options: &DataOptions) -> Vec<(usize, String)> {
        let ranges = options.ranges(&self.view, array.info());
        let dropped = options.dropped(&self.view);
        let kept = self.kept_timepoints(options);
        let word = |axis: Axis| {
            let [start, stop] = ranges[axis.index()];
            match &kept {
                Some(kept) if axis == Axis::T => format!("{kept:?}"),
                _ if dropped.contains(&axis) && stop - start == 1 => start.to_string(),
                _ if [start, stop] == [0, array.info().shape[axis.index()]] => ":".to_owned(),
                _ => format!("{start}:{stop}"),
            }
        };
        let own = array.own_axes();
        Axis::ALL.into_iter().filter_map(|axis| Some((own[axis.index()]?, word(axis)))).collect()
    }

    /// The timepoints that are saved where others are left out; `None` where none are, or it would be all of them.
    fn kept_timepoints(&self, options: &DataOptions) -> Option<Vec<usize>> {
        if options.missing != Missing::LeaveOut || self.is_moved() {
            return None;
        }
        let [start, stop] = options.ranges(&self.view, self.layer().info())[Axis::T.index()];
        let faulty = self.facts.pieces.iter().filter(|piece| piece.axis == Some(Axis::T) && piece.state.is_faulty());
        let mut left_out: Vec<[usize; 2]> = faulty.map(|piece| piece.range.map(|t| t.clamp(start, stop))).collect();
        left_out.sort_unstable();
        let (mut kept, mut next) = (Vec::new(), start);
        for [from, to] in left_out {
            kept.extend(next..from);
            next = next.max(to);
        }
        kept.extend(next..stop);
        (!kept.is_empty() && kept.len() < stop - start).then_some(kept)
    }

    /// What of it is known to be missing or damaged.
    fn missing_of(&self, options: &DataOptions) -> Option<String> {
        if self.is_moved() {
            return None;
        }
        let ranges = options.ranges(&self.view, self.layer().info());
        let pieces = self.facts.pieces.iter().filter(|piece| piece.state.is_faulty());
        let mut num = [0usize; 4];
        for piece in pieces {
            let Some(axis) = piece.axis else { continue };
            let [start, stop] = ranges[axis.index()];
            num[axis.index()] += piece.range[1].min(stop).saturating_sub(piece.range[0].max(start));
        }
        let axis = Axis::ALL.into_iter().find(|axis| num[axis.index()] > 0)?;
        let what = match (axis, num[axis.index()]) {
            (Axis::T, 1) => "1 timepoint".to_owned(),
            (Axis::T, num) => format!("{num} timepoints"),
            (axis, num) => format!("{num} of {axis}"),
        };
        let then = match options.missing {
            Missing::Fill(_) => "filled",
            Missing::LeaveOut if axis == Axis::T && self.kept_timepoints(options).is_some() => "left out",
            Missing::Refuse | Missing::LeaveOut => "refused",
        };
        Some(format!("{what} missing or damaged: {then}"))
    }
}

/// The step of an index. Lists are taken each along its own axis, whatever stands beside them.
fn subset(index: String) -> String {
    match index.contains('[') {
        true => format!("cross [{index}]"),
        false => format!("subset [{index}]"),
    }
}

/// A numpy index of these words by axis, all of the others; `None` where it names all of the array.
fn index_text(words: &[(usize, impl ToString)], array: &LazyArray) -> Option<String> {
    let word = |axis: usize| {
        let known = words.iter().find(|(known, _)| *known == axis);
        known.map_or_else(|| ":".to_owned(), |(_, word)| word.to_string())
    };
    let words: Vec<String> = (0..array.source().info().shape.rank()).map(word).collect();
    words.iter().any(|word| word != ":").then(|| words.join(", "))
}
