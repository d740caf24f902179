//! The mouse wheel in whole steps: one notch is one step, however the toolkit would smooth it.

use egui::{Event, Id, MouseWheelSource, MouseWheelUnit, Ui, Vec2};

/// Points of a touchpad's travel for one step.
const POINTS_PER_STEP: f32 = 40.0;
/// What systems that tell a wheel's travel in points take for a notch.
const POINTS_PER_NOTCH: f32 = 120.0;

/// Steps of the wheel since the last frame, upwards (or to the left) positive, for what the pointer is on.
/// Notches with Ctrl are a zoom and not counted. What does not make a step yet is kept under `id`.
pub fn wheel_steps(ui: &Ui, id: Id) -> isize {
    let mut rest = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(0.0);
    let mut steps = 0;
    ui.input(|input| {
        for event in &input.events {
            let Event::MouseWheel { unit, delta, source, modifiers, .. } = event else { continue };
            if modifiers.command || modifiers.ctrl {
                continue;
            }
            let travel = travel(*unit, *delta, *source);
            if travel * rest < 0.0 {
                rest = 0.0;
            }
            // A fraction that only rounding keeps from a whole step is one.
            let sum = rest + travel;
            let whole = (sum + sum.signum() * 1e-3).trunc();
            rest = sum - whole;
            steps += whole as isize * if modifiers.shift { 10 } else { 1 };
        }
    });
    ui.data_mut(|data| data.insert_temp(id, rest));
    steps
}

/// How many steps an event is worth.
fn travel(unit: MouseWheelUnit, delta: Vec2, source: MouseWheelSource) -> f32 {
    // Some systems turn a wheel that is moved with Shift sideways.
    let delta = if delta.y == 0.0 { delta.x } else { delta.y };
    if !delta.is_finite() {
        return 0.0;
    }
    match (unit, source) {
        (MouseWheelUnit::Line, _) => delta,
        (MouseWheelUnit::Page, _) => 10.0 * delta,
        (MouseWheelUnit::Point, MouseWheelSource::Wheel) if delta != 0.0 => {
            delta.signum() * (delta.abs() / POINTS_PER_NOTCH).round().max(1.0)
        }
        (MouseWheelUnit::Point, _) => delta / POINTS_PER_STEP,
    }
}
