//! From what the user is looking at to what the stream has to deliver: a pure function.

use super::ViewState;
use crate::array::ViewInfo;
use crate::stream::{Play, ViewRequest};

/// The request of a view. `generation` numbers view changes; requests that differ only there are equal
/// in what they ask for. Whether volumes are wanted for a GPU is the caller's to say.
pub fn resolve(view: &ViewState, info: &ViewInfo, generation: u64) -> ViewRequest {
    let play =
        view.play.is_running.then(|| Play { direction: view.play.direction, rate_hz: f64::from(view.play.rate_hz) });
    ViewRequest { generation, picture: view.picture(info), play, want_volume: false }
}
