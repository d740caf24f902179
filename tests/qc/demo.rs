//! What is said of the demo recording, as it lies on disk: nothing, and with faults planted just those.

use std::path::Path;
use std::sync::Arc;

use tectum::array::LazyArray;
use tectum::demo::{Fault, Planted, Recipe, Scene, write};
use tectum::format::{OpenOptions, open};
use tectum::qc::{Alarm, Code, Evidence, Gravity, Limits, Verdict, judge};
use tectum::sweep::{CheckOptions, Checked, check, subject_of};

const SMALL: [usize; 4] = [60, 8, 256, 256];

fn judged(recipe: &Recipe) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), recipe, |_, _| true).unwrap();
    let array = LazyArray::new(Arc::clone(&opened(&folder.path().join("original"))));
    let subject = subject_of(&array, None);
    let checked = check(&array, &subject, &CheckOptions::default(), |_, _| true).unwrap();
    let Checked { table, figures, missing, .. } = &checked;
    judge(&Evidence { subject: &subject, table, figures, missing }, &Limits::default())
}

fn opened(folder: &Path) -> Arc<dyn tectum::format::Source> {
    open(folder, &OpenOptions::default()).unwrap().source
}

/// What has to be said of a fault.
fn expected(fault: Fault, num_z: usize) -> (Code, Gravity) {
    match fault {
        Fault::Moved => (Code::Motion, Gravity::Alarm),
        Fault::Dark => (Code::Underexposed, Gravity::Alarm),
        Fault::Lost => (Code::Missing, Gravity::Alarm),
        Fault::Saturated => (Code::Saturation, Gravity::Alarm),
        Fault::Blurred => (Code::Focus, Gravity::Warn),
        Fault::Doubled => (Code::Duplicate, Gravity::Alarm),
        // Of few planes rotated by one, all but the last look like a sample that sank: an alarm as well.
        Fault::Slipped if num_z < 12 => (Code::ZDrift, Gravity::Alarm),
        Fault::Slipped => (Code::PlaneSlip, Gravity::Alarm),
    }
}

/// Said under the right code, from the first timepoint, and not for long after the last.
fn is_said_of(alarm: &Alarm, planted: &Planted, num_z: usize) -> bool {
    let planes = alarm.z.unwrap_or([0, num_z - 1]);
    (alarm.code, alarm.gravity) == expected(planted.fault, num_z)
        && alarm.t[0] == planted.t[0]
        && (planted.t[1]..=planted.t[1] + 5).contains(&alarm.t[1])
        && planes == planted.z
}

fn faults_are_found_and_nothing_else(shape: [usize; 4]) {
    let sound = Recipe { shape, ..Recipe::default() };
    let verdict = judged(&sound);
    assert!(verdict.alarms.is_empty(), "{:#?}", verdict.alarms);
    assert_eq!(verdict.usable.volumes, shape[0]);

    let faulty = Recipe { has_faults: true, ..sound };
    let planted = Scene::new(&faulty).faults().to_vec();
    let verdict = judged(&faulty);
    for fault in &planted {
        let said = verdict.alarms.iter().filter(|alarm| is_said_of(alarm, fault, shape[1])).count();
        assert_eq!(said, 1, "{fault:?} in {:#?}", verdict.alarms);
    }
    // A jump is sudden, and whatever is sudden is a change; both begin where a fault begins or ends.
    let edges: Vec<usize> = planted.iter().flat_map(|fault| [fault.t[0], fault.t[1] + 1]).collect();
    for alarm in verdict.alarms.iter().filter(|alarm| !planted.iter().any(|fault| is_said_of(alarm, fault, shape[1]))) {
        let is_sudden = matches!(alarm.code, Code::Dvars | Code::BadFrame) && edges.contains(&alarm.t[0]);
        assert!(is_sudden, "{alarm:?}");
    }
}

#[test]
fn the_faults_of_the_demo_are_found_and_nothing_else() {
    faults_are_found_and_nothing_else(SMALL);
}

#[test]
#[ignore = "takes a minute: make qc-clean"]
fn the_faults_of_the_whole_demo_are_found_and_nothing_else() {
    faults_are_found_and_nothing_else(Recipe::default().shape);
}
