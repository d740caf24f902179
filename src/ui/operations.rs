//! What is computed of a layer before it is shown: its steps as texts in the grammar of `--op`, which is how they
//! are typed, kept and copied.

use serde::{Deserialize, Serialize};

use std::path::Path;

use super::{LayerView, Limits};
use crate::array::delayed::{Operand, Operations, Step as Operation};
use crate::volume::{Location, ValueKind};

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Step {
    /// In the grammar of `--op`.
    pub text: String,
    /// Whether it is carried out; one that is not is left out for the moment.
    pub is_on: bool,
}

impl Step {
    /// A step that is carried out.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_on: true }
    }

    /// Its first word.
    pub fn name(&self) -> &str {
        let text = self.text.trim();
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
        &text[..end]
    }
}

/// The text of a step with an array in a file or folder. `name` is that of an operation of two, or `concatenate`.
pub fn with_array(name: &str, path: &Path) -> String {
    let over = if name == "concatenate" { " over t" } else { "" };
    let quoted = path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    let text = format!("{name} @\"{quoted}\"{over}");
    text.parse::<Operations>().map_or(text, |operations| operations.to_string())
}

/// Names of arrays as they hold wherever the program is started the next time.
pub fn absolute(mut operations: Operations) -> Operations {
    let names = operations.steps.iter_mut().flat_map(|step| match step {
        Operation::Binary { operand: Operand::Array(name, _), .. } => std::slice::from_mut(name),
        Operation::Concatenate { names, .. } => names.as_mut_slice(),
        _ => &mut [],
    });
    for name in names {
        if let Location::Path(path) = super::typed_location(name)
            && let Ok(path) = std::path::absolute(path)
        {
            *name = path.to_string_lossy().into_owned();
        }
    }
    operations
}

/// The texts of the steps that are carried out.
pub fn texts(steps: &[Step]) -> Vec<&str> {
    steps.iter().filter(|step| step.is_on).map(|step| step.text.as_str()).collect()
}

impl LayerView {
    /// Has other steps computed of it. Limits that fit themselves to the values do so anew; those that somebody has
    /// chosen stay while nothing but a number of a step changes, so that what it does is seen.
    pub(super) fn compute(&mut self, steps: Vec<Step>) {
        if texts(&steps) != texts(&self.operations) {
            let kinds = |steps: &[Step]| -> Vec<(String, bool)> {
                steps.iter().map(|step| (step.name().to_owned(), step.is_on)).collect()
            };
            let is_tuned = kinds(&steps) == kinds(&self.operations);
            let Limits { chosen, measured, .. } = std::mem::take(&mut self.contrast);
            for kind in 0..ValueKind::NUM {
                self.contrast.chosen[kind] = chosen[kind].filter(|chosen| is_tuned && Some(*chosen) != measured[kind]);
            }
            self.full_scale = None;
        }
        self.operations = steps;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::place::tests::info;
    use crate::ui::{Command, History, ViewState};
    use crate::volume::PictureValues;

    const VALUES: PictureValues = PictureValues { kind: ValueKind::Voxels, num: 1 };

    fn measured(view: &mut ViewState, limits: [f64; 2]) {
        view.apply(&Command::LimitsMeasured { layer: 0, values: VALUES, limits, is_wished: false }, &info());
    }

    #[test]
    fn limits_follow_the_values_unless_they_were_chosen_and_a_number_is_dragged() {
        let (mut view, mut history) = (ViewState::default().for_dataset(&info()), History::default());
        measured(&mut view, [10.0, 20.0]);
        let steps = |text: &str| Command::SetOperations(vec![Step::new(text)]);
        history.apply(&mut view, &steps("subtract 5"), &info(), 0.0);
        assert_eq!(view.limits(&info()), None, "those of other values");
        measured(&mut view, [5.0, 15.0]);
        history.apply(&mut view, &Command::SetStep { index: 0, text: "subtract 6".into() }, &info(), 2.0);
        assert_eq!(view.limits(&info()), None);
        measured(&mut view, [4.0, 14.0]);
        history.apply(&mut view, &Command::SetLimits([1.0, 2.0]), &info(), 4.0);
        history.apply(&mut view, &Command::SetStep { index: 0, text: "subtract 7".into() }, &info(), 6.0);
        assert_eq!(view.limits(&info()), Some([1.0, 2.0]), "chosen by somebody who drags a number");
        history.apply(&mut view, &steps("log"), &info(), 8.0);
        assert_eq!(view.limits(&info()), None);
        // One step back at a time, each with the limits it had.
        for (text, limits) in [("subtract 7", Some([1.0, 2.0])), ("subtract 6", Some([1.0, 2.0]))] {
            history.apply(&mut view, &Command::Undo, &info(), 9.0);
            assert_eq!((view.layers[0].operations[0].text.as_str(), view.limits(&info())), (text, limits));
        }
        for _ in 0..3 {
            history.apply(&mut view, &Command::Undo, &info(), 9.0);
        }
        assert_eq!((view.layers[0].operations.len(), view.limits(&info())), (0, Some([10.0, 20.0])));
    }

    #[test]
    fn arrays_are_named_so_that_they_are_found_again() {
        let here = std::env::current_dir().unwrap();
        let absolute = |text: &str| absolute(text.parse().unwrap()).to_string();
        let flat = here.join("flat.npy");
        assert_eq!(absolute("divide @flat.npy over y"), format!("{} over y", with_array("divide", &flat)));
        assert_eq!(absolute("add @https://host/a.zarr#b"), "add @https://host/a.zarr#b");
        assert_eq!(
            absolute("- 1 | concatenate @/a/b.h5#x, @\"/c d.h5\" over t"),
            "subtract 1 | concatenate @/a/b.h5#x, @\"/c d.h5\" over t"
        );
        assert_eq!(with_array("concatenate", Path::new("/a \"b\".h5")), r#"concatenate @"/a \"b\".h5" over t"#);
        assert_eq!(with_array("subtract", Path::new("/a|b")), r#"subtract @"/a|b""#);
    }

    #[test]
    fn a_drag_is_one_step_back() {
        let (mut view, mut history) = (ViewState::default().for_dataset(&info()), History::default());
        history.apply(&mut view, &Command::SetOperations(vec![Step::new("subtract 5")]), &info(), 0.0);
        for i in 6..20 {
            let text = format!("subtract {i}");
            history.apply(&mut view, &Command::SetStep { index: 0, text }, &info(), 1.0 + f64::from(i) / 60.0);
        }
        history.apply(&mut view, &Command::Undo, &info(), 3.0);
        assert_eq!(view.layers[0].operations, [Step::new("subtract 5")]);
    }
}
