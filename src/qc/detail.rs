//! What the structure of a plane gives: `focus` and `stripes`.

use super::focus::Focus;
use super::{Code, Codes, Plane, PlaneRow, stripes};

/// Which of it is wanted.
pub(super) struct Detail {
    focus: Option<Focus>,
    has_stripes: bool,
}

impl Detail {
    /// Planned for planes of that shape, (y, x). `flyback` is seen from the focus.
    pub fn new(plane_shape: [usize; 2], wanted: Codes) -> Self {
        let has_focus = wanted.has(Code::Focus) || wanted.has(Code::Flyback);
        Self { focus: has_focus.then(|| Focus::new(plane_shape)), has_stripes: wanted.has(Code::Stripes) }
    }

    /// Measures a plane into its row.
    pub fn measure(&self, plane: &Plane<'_>, row: &mut PlaneRow) {
        if let Some(focus) = &self.focus {
            row.focus = focus.measure(plane);
        }
        if self.has_stripes {
            row.stripes = stripes::measure(plane);
        }
    }
}
