//! From what the user is looking at to what the stream has to deliver: a pure function.

use super::ViewState;
use crate::array::ViewInfo;
use crate::stream::{Play, ViewRequest};
use crate::volume::LayerId;

/// The request of a view of one layer. Whether volumes are wanted for a GPU is the caller's to say.
pub fn resolve(view: &ViewState, info: &ViewInfo, layer: LayerId) -> ViewRequest {
    let play =
        view.play.is_running.then(|| Play { direction: view.play.direction, rate_hz: f64::from(view.play.rate_hz) });
    ViewRequest { play, ..ViewRequest::of(layer, view.picture(info)) }
}
