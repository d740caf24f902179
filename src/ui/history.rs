//! Undo and redo of view changes. A drag is one step, however many commands it sent.

use std::mem::{Discriminant, discriminant};

use super::{Command, ViewState};
use crate::array::ViewInfo;

/// Commands of one kind closer together than this are one step.
const COALESCE_S: f64 = 0.6;
const MAX_STEPS: usize = 200;

/// The views before and after the current one.
#[derive(Debug, Default)]
pub struct History {
    undo: Vec<ViewState>,
    redo: Vec<ViewState>,
    last: Option<(Discriminant<Command>, f64)>,
}

impl History {
    /// Applies a command, undo and redo included, remembering the view before it. `now_s` is any clock
    /// in seconds. Returns whether the view changed.
    pub fn apply(&mut self, view: &mut ViewState, command: &Command, info: &ViewInfo, now_s: f64) -> bool {
        match command {
            Command::Undo => {
                self.last = None;
                let Some(earlier) = self.undo.pop() else { return false };
                self.redo.push(view.clone());
                view.restore(&earlier);
                // The recording may have become shorter since.
                clamp(view, self.redo.last(), info);
                true
            }
            Command::Redo => {
                self.last = None;
                let Some(later) = self.redo.pop() else { return false };
                self.undo.push(view.clone());
                view.restore(&later);
                clamp(view, self.undo.last(), info);
                true
            }
            _ => {
                let before = view.clone();
                let changed = view.apply(command, info);
                if changed && is_undoable(command) {
                    self.remember(before, command, now_s);
                }
                changed
            }
        }
    }

    /// Whether there is a step back.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// Whether there is a step forward.
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }

    /// Forgets everything, at a new dataset.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn remember(&mut self, before: ViewState, command: &Command, now_s: f64) {
        let kind = discriminant(command);
        let continues =
            self.last.is_some_and(|(last, at)| last == kind && now_s - at < COALESCE_S && is_continuous(command));
        self.last = Some((kind, now_s));
        self.redo.clear();
        if continues && !self.undo.is_empty() {
            return;
        }
        if self.undo.len() == MAX_STEPS {
            self.undo.remove(0);
        }
        self.undo.push(before);
    }
}

/// Brings a view into what there is, unless something else is computed than before: then it is of another shape.
fn clamp(view: &mut ViewState, before: Option<&ViewState>, info: &ViewInfo) {
    let computed = |view: &ViewState| view.layers.iter().map(|layer| layer.operations.clone()).collect::<Vec<_>>();
    if before.is_none_or(|before| computed(before) == computed(view)) {
        view.clamp_to(info);
    }
}

fn is_undoable(command: &Command) -> bool {
    matches!(
        command,
        Command::ScrubTo(_)
            | Command::GoTo { .. }
            | Command::StepT(_)
            | Command::DepthTo(_)
            | Command::StepDepth(_)
            | Command::AddView { .. }
            | Command::CloseView(_)
            | Command::SetLayout(_)
            | Command::ToggleLayer(_)
            | Command::SetOpacity(_)
            | Command::SetBlend(_)
            | Command::SetOrientation(_)
            | Command::SetMode(_)
            | Command::ToggleMode
            | Command::SetProjection(_)
            | Command::SetSlab(_)
            | Command::SetOperations(_)
            | Command::SetStep { .. }
            | Command::SetInterpolation(_)
            | Command::SetLimits(_)
            | Command::AutoContrast
            | Command::LimitsOfPicture { .. }
            | Command::SetGamma(_)
            | Command::SetColormap(_)
            | Command::ToggleInvert
            | Command::ToggleSaturation
            | Command::SetCamera(_)
            | Command::ZoomBy(_)
            | Command::Fit
    )
}

/// Commands that a drag or a held key sends many of.
fn is_continuous(command: &Command) -> bool {
    matches!(
        command,
        Command::ScrubTo(_)
            | Command::GoTo { .. }
            | Command::StepT(_)
            | Command::DepthTo(_)
            | Command::StepDepth(_)
            | Command::SetSlab(_)
            | Command::SetLayout(_)
            | Command::SetOpacity(_)
            | Command::SetStep { .. }
            | Command::SetLimits(_)
            | Command::SetGamma(_)
            | Command::SetCamera(_)
            | Command::ZoomBy(_)
    )
}
