//! A session's side of saving: the picture that would be saved, and where.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::layers::Layer;
use super::picture::Pane;
use super::{OnScreen, Session};
use crate::app::effects::Effect;
use crate::app::still::{StillLayer, Subject};
use crate::render::RendererHandle;
use crate::ui::format::size;
use crate::ui::panels::save::save_path;
use crate::ui::{Overlay, Shown, StillFrame, StillOptions, ViewState};
use crate::volume::Axis;

impl Session {
    /// Where the picture will be saved.
    pub fn save_path(&self) -> PathBuf {
        save_path(&self.saver.shown.path)
    }

    /// Where the picture will be saved, as chosen in the system's dialog.
    pub fn set_save_path(&mut self, path: &Path) {
        self.saver.set_path(path.display().to_string());
    }

    /// Lets the saver go on, once the picture has been chosen.
    pub(in crate::app) fn update_saver(&mut self, renderer: Option<&RendererHandle>, now: Instant) {
        let is_sheet_open = self.view.panels.overlay == Some(Overlay::Save);
        self.update_data_saver(now);
        self.saver.collect(now);
        if self.saver.is_wanted(is_sheet_open) {
            let subject = self.subject();
            let copied = self.saver.update(renderer, &self.wake, subject, is_sheet_open, now);
            self.effects.extend(copied.map(Effect::CopyPicture));
        }
    }

    /// Why the picture is never there as a whole: it takes more than there is for what is read.
    pub(super) fn too_large_to_save(&self) -> Option<String> {
        let view = self.view.active();
        let max_bytes = self.stream.stats().budget_bytes as u64;
        let shown = self.layers.iter().zip(&self.view.layers).filter(|(_, layer)| layer.visible);
        let num_bytes = |layer: &Layer| {
            let (rows, columns) = view.orientation.plane_axes();
            let info = layer.info();
            let side = |axis: Axis| info.shape[axis.index()] as u64;
            side(rows).saturating_mul(side(columns)).saturating_mul(info.dtype.num_bytes() as u64)
        };
        let all = shown.fold(0u64, |sum, (layer, _)| sum.saturating_add(num_bytes(layer)));
        (all > max_bytes)
            .then(|| format!("in full resolution it takes {}, and {} are set aside for it", size(all), size(max_bytes)))
    }

    /// The active canvas with all that a still of it is drawn from, or why there is none to save.
    fn subject(&self) -> Result<Subject, String> {
        if let Some(reason) = self.too_large_to_save() {
            return Err(format!("there is no picture to save: {reason}"));
        }
        let panes: Vec<&Pane> = self.panes_of(self.view.active().id).collect();
        let missing = panes.iter().find_map(|pane| match &pane.shown {
            Shown::Missing(reason) => Some(reason.as_str()),
            Shown::Coarse => Some("it does not fit into memory in full resolution"),
            _ => None,
        });
        if let Some(reason) = missing {
            return Err(format!("there is no picture to save: {reason}"));
        }
        let mut layers = Vec::new();
        for (data, layer) in self.layers.iter().zip(&self.view.layers).filter(|(_, layer)| layer.visible) {
            let Some(pane) = panes.iter().find(|pane| pane.asked.layer == data.id()) else { continue };
            let (Some(OnScreen { key, voxels, is_preview: false }), Shown::Exact) = (&pane.on_screen, &pane.shown)
            else {
                return Err("the picture is still loading".to_owned());
            };
            let display = layer.display(key.picture.values(), data.info());
            layers.push(StillLayer { key: *key, voxels: Arc::clone(voxels), display });
        }
        if layers.is_empty() {
            return Err("no layer is shown".to_owned());
        }
        // Data are chosen on all of the plane, with nothing drawn over it.
        let still = if self.is_saving_data() { StillOptions::BARE } else { self.view.still };
        let view = ViewState { still, ..self.view.clone() };
        Ok(Subject {
            layers,
            info: *self.info(),
            name: self.name().to_owned(),
            computed: self
                .layers
                .iter()
                .map(|layer| (layer.name.clone(), self.computed_words(layer).map(str::to_owned)))
                .collect(),
            array: Arc::clone(self.array().source().info()),
            frame: StillFrame::new(&view, self.info(), self.canvas.points, self.canvas.pixels_per_point),
            view,
        })
    }
}
