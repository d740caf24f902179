//! The keyboard: one table that is both what the keys do and what the overlay lists.

use egui::{Context, Event, Id, Key, Modifiers, Popup, Ui};

use super::{AppCommand, Camera, Command, Overlay, SessionCommand, ViewState};

/// What a key does, given the camera that draws every voxel as one pixel.
type Act = fn(Camera) -> Command;

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

/// Two presses double the picture.
const ZOOM_STEP: f32 = std::f32::consts::SQRT_2;

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
    Binding { keys: "Wheel on the map", does: "Look closer at time", group: Group::Time, shortcuts: &[] },
    Binding {
        keys: "0",
        does: "All of time again",
        group: Group::Time,
        shortcuts: &[(NONE, Key::Num0, |_| Command::SetTimeZoom(None))],
    },
    Binding {
        keys: "Space",
        does: "Play, pause",
        group: Group::Time,
        shortcuts: &[(NONE, Key::Space, |_| Command::TogglePlay)],
    },
    Binding {
        keys: "N",
        does: "Next alarm",
        group: Group::Time,
        shortcuts: &[(NONE, Key::N, |_| Command::Session(SessionCommand::GoToAlarm { is_next: true }))],
    },
    Binding {
        keys: "Shift N",
        does: "Previous alarm",
        group: Group::Time,
        shortcuts: &[(SHIFT, Key::N, |_| Command::Session(SessionCommand::GoToAlarm { is_next: false }))],
    },
    Binding {
        keys: "T",
        does: "Traces under the map",
        group: Group::Time,
        shortcuts: &[(NONE, Key::T, |_| Command::ToggleTraces)],
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
    Binding {
        keys: "Shift F",
        does: "One voxel, one pixel (1 : 1)",
        group: Group::Picture,
        shortcuts: &[(SHIFT, Key::F, Command::SetCamera)],
    },
    Binding {
        keys: "+ −",
        does: "Zoom in, out",
        group: Group::Picture,
        shortcuts: &[
            (NONE, Key::Plus, |_| Command::ZoomBy(ZOOM_STEP)),
            (SHIFT, Key::Plus, |_| Command::ZoomBy(ZOOM_STEP)),
            (NONE, Key::Equals, |_| Command::ZoomBy(ZOOM_STEP)),
            (NONE, Key::Minus, |_| Command::ZoomBy(1.0 / ZOOM_STEP)),
        ],
    },
    Binding { keys: "Ctrl wheel", does: "Zoom at the pointer", group: Group::Picture, shortcuts: &[] },
    Binding { keys: "Drag", does: "Move the picture", group: Group::Picture, shortcuts: &[] },
    Binding { keys: "Double-click", does: "Fit; on a control: reset it", group: Group::Picture, shortcuts: &[] },
    Binding {
        keys: "A",
        does: "Contrast of the whole recording",
        group: Group::Contrast,
        shortcuts: &[(NONE, Key::A, |_| Command::AutoContrast)],
    },
    Binding {
        keys: "Shift A",
        does: "Contrast of this picture",
        group: Group::Contrast,
        shortcuts: &[(SHIFT, Key::A, |_| Command::Session(SessionCommand::FitContrast))],
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
        keys: "Ctrl 1 – 9",
        does: "Show or hide a channel",
        group: Group::Contrast,
        shortcuts: &[
            (CTRL, Key::Num1, |_| Command::ToggleLayer(0)),
            (CTRL, Key::Num2, |_| Command::ToggleLayer(1)),
            (CTRL, Key::Num3, |_| Command::ToggleLayer(2)),
            (CTRL, Key::Num4, |_| Command::ToggleLayer(3)),
            (CTRL, Key::Num5, |_| Command::ToggleLayer(4)),
            (CTRL, Key::Num6, |_| Command::ToggleLayer(5)),
            (CTRL, Key::Num7, |_| Command::ToggleLayer(6)),
            (CTRL, Key::Num8, |_| Command::ToggleLayer(7)),
            (CTRL, Key::Num9, |_| Command::ToggleLayer(8)),
        ],
    },
    Binding {
        keys: ", .",
        does: "The channel before, after",
        group: Group::Contrast,
        shortcuts: &[(NONE, Key::Comma, |_| Command::StepLayer(-1)), (NONE, Key::Period, |_| Command::StepLayer(1))],
    },
    Binding {
        keys: "Ctrl O",
        does: "Open",
        group: Group::Window,
        shortcuts: &[(CTRL, Key::O, |_| Command::ToggleOverlay(Overlay::Open))],
    },
    Binding {
        keys: "Ctrl S",
        does: "Save the picture",
        group: Group::Window,
        shortcuts: &[(CTRL, Key::S, |_| Command::ToggleOverlay(Overlay::Save))],
    },
    // The toolkit turns these keys into an event of their own.
    Binding { keys: "Ctrl C", does: "Copy the picture", group: Group::Window, shortcuts: &[] },
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
        does: "Close what lies on top, or go back",
        group: Group::Window,
        shortcuts: &[(NONE, Key::Escape, |_| Command::CloseOverlay)],
    },
];

/// What the keyboard belongs to before the window itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Owner {
    #[default]
    Window,
    /// A field that is being typed in.
    Field,
    /// A list that has dropped down.
    Menu,
}

impl Owner {
    fn now(ctx: &Context) -> Self {
        if Popup::is_any_open(ctx) {
            Self::Menu
        } else if ctx.text_edit_focused() {
            Self::Field
        } else {
            Self::Window
        }
    }

    /// Whether a key can be the one after which the keyboard is the window's again.
    fn ends_with(self, key: Key) -> bool {
        match self {
            Self::Window => false,
            Self::Field => matches!(key, Key::Enter | Key::Tab | Key::Escape),
            Self::Menu => matches!(key, Key::Enter | Key::Space | Key::Escape),
        }
    }
}

/// Commands of the keys pressed this frame, before anything is drawn, where nothing that is drawn can change
/// whom they belong to; otherwise [`key_commands`] finds them when all has been drawn.
pub fn read_first(ui: &Ui, state: &ViewState, one_to_one: Option<Camera>, commands: &mut Vec<Command>) {
    let ctx = ui.ctx();
    let before = ctx.data(|data| data.get_temp::<Owner>(owner_id())).unwrap_or_default();
    let may_change = |event: &Event| {
        let is_tab = matches!(event, Event::Key { key: Key::Tab, pressed: true, .. });
        is_tab || matches!(event, Event::PointerButton { .. } | Event::AccessKitActionRequest(_))
    };
    let is_certain = before == Owner::Window
        && Owner::now(ctx) == Owner::Window
        && !ctx.input(|input| input.raw.events.iter().any(may_change));
    if is_certain {
        key_commands(ui, state, one_to_one, commands);
        let pass = ctx.cumulative_pass_nr();
        ctx.data_mut(|data| data.insert_temp(read_id(), pass));
    }
}

fn owner_id() -> Id {
    Id::unique("keyboard owner")
}

/// In which pass the keys were read before anything was drawn.
fn read_id() -> Id {
    Id::unique("keys read first")
}

/// Commands of the keys pressed this frame, in the order they were typed. To be called when everything else
/// has been drawn and `commands` holds what it asked for: a field takes what is typed into it up to the key
/// that leaves it, a list that has dropped down what is typed while it is open, and only the rest is the
/// window's. `one_to_one` is the camera that draws every voxel as one pixel, where there is a picture.
pub fn key_commands(ui: &Ui, state: &ViewState, one_to_one: Option<Camera>, commands: &mut Vec<Command>) {
    let has_dataset = one_to_one.is_some();
    let ctx = ui.ctx();
    let id = owner_id();
    let now = Owner::now(ctx);
    if ctx.data(|data| data.get_temp::<u64>(read_id())) == Some(ctx.cumulative_pass_nr()) {
        ctx.data_mut(|data| data.insert_temp(id, now));
        return;
    }
    // As the last frame left it: the toolkit has taken the focus away by now if Esc is among the keys.
    let mut owner = ctx.data(|data| data.get_temp::<Owner>(id)).unwrap_or_default();
    ctx.data_mut(|data| data.insert_temp(id, now));
    let has_focus = ctx.memory(|memory| memory.focused().is_some());
    // A field may have kept an Esc to itself.
    let is_escape_free = ctx.input(|input| input.events.iter().any(is_escape));
    let mut overlay = commands.iter().fold(state.panels.overlay, overlay_after);
    let typed: Vec<Event> = ctx.input(|input| input.raw.events.clone());
    for event in &typed {
        match event {
            // A click decides anew what the keyboard belongs to.
            Event::PointerButton { pressed: true, .. } => owner = now,
            Event::Key { key, pressed: true, repeat, modifiers, .. } => {
                let is_fields = owner != Owner::Window && !is_for_window(*modifiers, *key);
                if owner.ends_with(*key) && now != owner {
                    let closes = owner == Owner::Field && is_escape(event) && is_escape_free && overlay.is_some();
                    owner = Owner::Window;
                    if !closes {
                        continue;
                    }
                } else if is_fields {
                    continue;
                }
                let Some(command) = command_of(one_to_one.unwrap_or(Camera::FIT), *modifiers, *key) else { continue };
                let is_kept = has_focus && owner == Owner::Window && moves_in_widget(*key)
                    || *repeat && !repeats(&command)
                    || !is_allowed(&command, has_dataset, overlay);
                if !is_kept {
                    let command = without_dataset(command, has_dataset);
                    overlay = overlay_after(overlay, &command);
                    commands.push(command);
                }
            }
            _ => {}
        }
    }
}

/// Whether the keys for copying were pressed, outside of a text field. Takes the event.
pub fn take_copy(ui: &Ui) -> bool {
    !ui.ctx().text_edit_focused()
        && ui.input_mut(|input| {
            let before = input.events.len();
            input.events.retain(|event| *event != Event::Copy);
            input.events.len() < before
        })
}

fn is_escape(event: &Event) -> bool {
    matches!(event, Event::Key { key: Key::Escape, pressed: true, .. })
}

/// Keys that mean the same while something is being typed.
fn is_for_window(modifiers: Modifiers, key: Key) -> bool {
    key == Key::F1 || modifiers.command && matches!(key, Key::O | Key::S)
}

/// Keys that are for whatever control has the focus.
fn moves_in_widget(key: Key) -> bool {
    matches!(key, Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown | Key::Space | Key::Home | Key::End)
}

/// What a key held down does again and again; a switch is thrown once.
fn repeats(command: &Command) -> bool {
    matches!(command, Command::StepT(_) | Command::StepDepth(_) | Command::ZoomBy(_) | Command::Undo | Command::Redo)
}

/// What lies over the window keeps the keys from what lies below, and without a dataset there is no view.
fn is_allowed(command: &Command, has_dataset: bool, overlay: Option<Overlay>) -> bool {
    match command {
        Command::ToggleOverlay(Overlay::Keys | Overlay::Open) | Command::CloseOverlay => true,
        Command::ToggleOverlay(_) => has_dataset,
        _ => has_dataset && overlay.is_none(),
    }
}

/// Without a dataset the window is itself the dialog to open from.
fn without_dataset(command: Command, has_dataset: bool) -> Command {
    match command {
        Command::ToggleOverlay(Overlay::Open) if !has_dataset => Command::App(AppCommand::BrowseFolder),
        other => other,
    }
}

/// What lies over the window once a command has been carried out.
fn overlay_after(overlay: Option<Overlay>, command: &Command) -> Option<Overlay> {
    match command {
        Command::ToggleOverlay(asked) if overlay == Some(*asked) => None,
        Command::ToggleOverlay(asked) => Some(*asked),
        Command::CloseOverlay => None,
        _ => overlay,
    }
}

/// The command of a key with exactly these modifiers.
fn command_of(one_to_one: Camera, modifiers: Modifiers, key: Key) -> Option<Command> {
    let is_exact = |wanted: Modifiers| {
        !modifiers.alt
            && modifiers.shift == wanted.shift
            && modifiers.command == wanted.command
            // On a Mac the control key is not the command key.
            && (modifiers.command || !modifiers.ctrl)
    };
    let mut shortcuts = BINDINGS.iter().flat_map(|binding| binding.shortcuts);
    shortcuts.find(|(wanted, bound, _)| *bound == key && is_exact(*wanted)).map(|(_, _, act)| act(one_to_one))
}
