//! The keyboard: one table that is both what the keys do and what the overlay lists.

use egui::{Key, Modifiers, Ui};

use super::{Command, Overlay, ViewState};

/// What a key does.
type Act = fn(&ViewState) -> Command;

/// One line of the table.
pub struct Binding {
    /// As the overlay writes it.
    pub keys: &'static str,
    /// What it does, in words.
    pub does: &'static str,
    /// Group in the overlay.
    pub group: Group,
    shortcuts: &'static [(Modifiers, Key, Act)],
}

/// Groups of the overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Group {
    Time,
    Depth,
    Picture,
    Contrast,
    Window,
}

impl Group {
    /// All groups in the order they are listed.
    pub const ALL: [Self; 5] = [Self::Time, Self::Depth, Self::Picture, Self::Contrast, Self::Window];

    /// Heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Time => "Time",
            Self::Depth => "Depth",
            Self::Picture => "Picture",
            Self::Contrast => "Contrast",
            Self::Window => "Window",
        }
    }
}

const NONE: Modifiers = Modifiers::NONE;
const SHIFT: Modifiers = Modifiers::SHIFT;
const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// All keys, and what the pointer does that is not seen.
pub const BINDINGS: &[Binding] = &[
    Binding {
        keys: "← →",
        does: "Previous, next timepoint",
        group: Group::Time,
        shortcuts: &[(NONE, Key::ArrowLeft, |_| Command::StepT(-1)), (NONE, Key::ArrowRight, |_| Command::StepT(1))],
    },
    Binding {
        keys: "Shift ← →",
        does: "Ten timepoints at once",
        group: Group::Time,
        shortcuts: &[
            (SHIFT, Key::ArrowLeft, |_| Command::StepT(-10)),
            (SHIFT, Key::ArrowRight, |_| Command::StepT(10)),
        ],
    },
    Binding {
        keys: "Home End",
        does: "First, last timepoint",
        group: Group::Time,
        shortcuts: &[(NONE, Key::Home, |_| Command::ScrubTo(0)), (NONE, Key::End, |_| Command::ScrubTo(usize::MAX))],
    },
    Binding {
        keys: "Space",
        does: "Play, pause",
        group: Group::Time,
        shortcuts: &[(NONE, Key::Space, |_| Command::TogglePlay)],
    },
    Binding {
        keys: "L",
        does: "Follow the newest timepoint",
        group: Group::Time,
        shortcuts: &[(NONE, Key::L, |_| Command::ToggleFollow)],
    },
    Binding {
        keys: "↑ ↓",
        does: "Previous, next plane",
        group: Group::Depth,
        shortcuts: &[
            (NONE, Key::ArrowUp, |_| Command::StepDepth(-1)),
            (NONE, Key::ArrowDown, |_| Command::StepDepth(1)),
        ],
    },
    Binding {
        keys: "Shift ↑ ↓",
        does: "Ten planes at once",
        group: Group::Depth,
        shortcuts: &[
            (SHIFT, Key::ArrowUp, |_| Command::StepDepth(-10)),
            (SHIFT, Key::ArrowDown, |_| Command::StepDepth(10)),
        ],
    },
    Binding { keys: "Wheel", does: "Through the depth", group: Group::Depth, shortcuts: &[] },
    Binding {
        keys: "P",
        does: "Plane or projection",
        group: Group::Picture,
        shortcuts: &[(NONE, Key::P, |_| Command::ToggleMode)],
    },
    Binding {
        keys: "F",
        does: "Fit the picture to the window",
        group: Group::Picture,
        shortcuts: &[(NONE, Key::F, |_| Command::Fit)],
    },
    Binding { keys: "Ctrl wheel", does: "Zoom at the pointer", group: Group::Picture, shortcuts: &[] },
    Binding { keys: "Drag", does: "Move the picture", group: Group::Picture, shortcuts: &[] },
    Binding { keys: "Double-click", does: "Fit; on a control: reset it", group: Group::Picture, shortcuts: &[] },
    Binding {
        keys: "A",
        does: "Automatic contrast",
        group: Group::Contrast,
        shortcuts: &[(NONE, Key::A, |_| Command::AutoContrast)],
    },
    Binding {
        keys: "S",
        does: "Mark saturated and zero voxels",
        group: Group::Contrast,
        shortcuts: &[(NONE, Key::S, |_| Command::ToggleSaturation)],
    },
    Binding {
        keys: "I",
        does: "Invert the colormap",
        group: Group::Contrast,
        shortcuts: &[(NONE, Key::I, |_| Command::ToggleInvert)],
    },
    Binding {
        keys: "C",
        does: "Color bar on the picture",
        group: Group::Contrast,
        shortcuts: &[(NONE, Key::C, |_| Command::ToggleColorBar)],
    },
    Binding {
        keys: "Ctrl O",
        does: "Open",
        group: Group::Window,
        shortcuts: &[(CTRL, Key::O, |_| Command::ToggleOverlay(Overlay::Open))],
    },
    Binding {
        keys: "Ctrl Z",
        does: "Undo a change of the view",
        group: Group::Window,
        shortcuts: &[(CTRL, Key::Z, |_| Command::Undo)],
    },
    Binding {
        keys: "Ctrl Shift Z",
        does: "Redo it",
        group: Group::Window,
        shortcuts: &[(CTRL_SHIFT, Key::Z, |_| Command::Redo), (CTRL, Key::Y, |_| Command::Redo)],
    },
    Binding {
        keys: "?",
        does: "This list",
        group: Group::Window,
        shortcuts: &[
            (NONE, Key::Questionmark, |_| Command::ToggleOverlay(Overlay::Keys)),
            (SHIFT, Key::Questionmark, |_| Command::ToggleOverlay(Overlay::Keys)),
            (SHIFT, Key::Slash, |_| Command::ToggleOverlay(Overlay::Keys)),
            (NONE, Key::F1, |_| Command::ToggleOverlay(Overlay::Keys)),
        ],
    },
    Binding {
        keys: "Esc",
        does: "Close what lies over the window",
        group: Group::Window,
        shortcuts: &[(NONE, Key::Escape, |_| Command::CloseOverlay)],
    },
];

/// Commands of the keys pressed this frame. Nothing while a text field has the focus; the arrows, Space
/// and Enter belong to whatever else has it.
pub fn key_commands(ui: &Ui, view: &ViewState, has_dataset: bool, commands: &mut Vec<Command>) {
    let ctx = ui.ctx();
    if ctx.text_edit_focused() {
        return;
    }
    let has_focus = ctx.memory(|memory| memory.focused().is_some());
    for (modifiers, key, act) in BINDINGS.iter().flat_map(|binding| binding.shortcuts) {
        let belongs_to_widget = has_focus
            && matches!(
                key,
                Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown | Key::Space | Key::Home | Key::End
            );
        let command = act(view);
        let is_general = matches!(command, Command::ToggleOverlay(_) | Command::CloseOverlay);
        // What lies over the window keeps the keys from what lies below.
        if belongs_to_widget || !(is_general || has_dataset && view.overlay.is_none()) {
            continue;
        }
        let command = match command {
            // Without a dataset the window is itself the dialog to open from.
            Command::ToggleOverlay(Overlay::Open) if !has_dataset => Command::BrowseFolder,
            other => other,
        };
        for _ in 0..ctx.input_mut(|input| take_presses(input, *modifiers, *key)) {
            commands.push(command.clone());
        }
    }
}

/// Takes the presses of a key with exactly these modifiers off the input, repeats included.
fn take_presses(input: &mut egui::InputState, wanted: Modifiers, wanted_key: Key) -> usize {
    let before = input.events.len();
    input.events.retain(|event| {
        !matches!(event, egui::Event::Key { key, modifiers, pressed: true, .. }
            if *key == wanted_key
                && !modifiers.alt
                && modifiers.shift == wanted.shift
                && modifiers.command == wanted.command)
    });
    before - input.events.len()
}
