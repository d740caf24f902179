//! How the window looks and answers: keys in the order they are typed, contrast measured on rendered
//! pictures, focus, long names, what lies on top.

mod channels;
mod focus;
mod keys;
mod quality;
mod readable;
mod rest;
mod time;
mod top;

use egui::{Event, Key, Modifiers};

use super::Window;

/// The press of a key as the window system tells it.
fn pressed(modifiers: Modifiers, key: Key) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
}

fn released(key: Key) -> Event {
    Event::Key { key, physical_key: None, pressed: false, repeat: false, modifiers: Modifiers::NONE }
}

/// Presses and lets go of keys, one after the other.
fn strokes(keys: impl IntoIterator<Item = (Modifiers, Key)>) -> Vec<Event> {
    keys.into_iter().flat_map(|(modifiers, key)| [pressed(modifiers, key), released(key)]).collect()
}

/// Everything within one frame, then as many frames as it takes to come to rest.
fn at_once(window: &mut Window, events: Vec<Event>) -> Vec<tectum::ui::Command> {
    window.state_mut().take();
    window.input_mut().events.extend(events);
    window.step();
    window.run();
    window.state_mut().take()
}

/// A recording of uniform light, its name as it may be.
fn bench() -> super::Bench {
    super::Bench::default()
}
