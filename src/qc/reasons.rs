//! Why the measures of place and structure cannot be had, or how they were made.

use super::{Code, Figures, References, Subject, digest, motion, stripes};

impl Figures {
    /// Adds what to say of measures whose values stand in the table.
    pub(super) fn add_reasons(&mut self, subject: &Subject, references: Option<&References>) {
        let shape = subject.plane_shape();
        let least = shape[0].min(shape[1]);
        let mut say = |codes: &[Code], reason: String| {
            for code in codes {
                self.notes.entry(*code).or_insert_with(|| reason.clone());
            }
        };
        if least < motion::LEAST_PX {
            let px = motion::LEAST_PX;
            say(&[Code::Motion, Code::BadFrame], format!("planes of less than {px} × {px} px are too small"));
        }
        if least < stripes::MEDIAN_PX {
            say(&[Code::Stripes], format!("planes have fewer than {} rows or columns", stripes::MEDIAN_PX));
        }
        if subject.num_z() < 3 {
            say(&[Code::ZDrift], "it takes at least 3 planes".to_owned());
        }
        if subject.num_z() < 2 {
            say(&[Code::PlaneSlip], "there is one plane only".to_owned());
        }
        if references.is_some_and(|references| references.whole.is_blank()) {
            say(&[Code::Motion, Code::BadFrame], "the first volumes show nothing that could be followed".to_owned());
        }
        let in_cells = |step: usize| format!("measured on means of {step} × {step} px");
        let [image, planes] = digest::steps(subject.num_z(), shape);
        if image > 1 {
            say(&[Code::Motion], in_cells(image));
        }
        if planes > 1 {
            say(&[Code::ZDrift, Code::PlaneSlip], in_cells(planes));
        }
    }
}
