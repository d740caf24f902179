//! What of a recording is not there, in ranges.

use super::Slab;
use crate::format::ReadErrorKind;
use crate::qc::Missing;

/// Adds what the next range of timepoints lacks, so that it is as if both had been read in one go.
pub(super) fn join(missing: &mut Vec<Missing>, next: Vec<Missing>, first_t: usize, num_z: usize) {
    for part in next {
        let goes_on = |known: &&mut Missing| {
            let is_next = part.t[0] == first_t && known.t[1] + 1 == first_t;
            is_next && known.z == part.z && known.file == part.file && known.reason == part.reason
        };
        match missing.iter_mut().rev().take(num_z.max(1)).find(goes_on) {
            Some(known) => known.t[1] = part.t[1],
            None => missing.push(part),
        }
    }
}

/// Adds what a slab lacks; slabs come in order of t and z. Whether some of it may come if it is read again.
pub(super) fn note_losses(slab: &Slab, num_z: usize, missing: &mut Vec<Missing>) -> bool {
    let mut is_passing = false;
    for (z, reason) in slab.losses() {
        let kind = reason.as_ref().map(|error| error.kind);
        is_passing |= matches!(kind, Some(ReadErrorKind::NotYetWritten | ReadErrorKind::Io));
        let z = (z != [0, num_z.saturating_sub(1)]).then_some(z);
        let file = reason.as_ref().map(|error| error.file.to_string());
        let reason = reason.map_or_else(|| "was never written".to_owned(), |error| error.message.to_string());
        let goes_on = |known: &&mut Missing| {
            known.t[1] + 1 == slab.t && known.z == z && known.file == file && known.reason == reason
        };
        // What goes on is among the newest; of one timepoint there are few.
        match missing.iter_mut().rev().take(num_z.max(1)).find(goes_on) {
            Some(known) => known.t[1] = slab.t,
            None => missing.push(Missing { t: [slab.t, slab.t], z, file, reason }),
        }
    }
    is_passing
}
