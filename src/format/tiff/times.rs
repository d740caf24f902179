//! When each timepoint was taken, where every page says when it was.

use super::book::Book;
use super::ifd::{Ask, Window};
use super::layout::DESCRIPTION;
use super::stack::{FIRST_ABSENT, Stack};
use crate::format::{FetchError, OpenOptions, store};

/// Pages whose texts are read at once.
const BATCH: usize = 256;
/// Text of a page that is looked at.
const MAX_TEXT_BYTES: u64 = 1 << 20;
/// Timepoints whose pages are looked at.
const MAX_TIMES: usize = 4 << 20;

/// Seconds at which the first page of each timepoint was taken by ScanImage; `None` where no page says so. NaN
/// where one does not.
pub fn of_pages(book: &Book, stack: &Stack, options: &OpenOptions) -> Option<Vec<f64>> {
    let (letter, num) = *stack.dims.first()?;
    if letter != 'T' || !stack.format.contains("ScanImage") || num > MAX_TIMES {
        return None;
    }
    let each = stack.frames.len() / num.max(1);
    let first: Vec<u32> = (0..num).map(|t| stack.frames.get(t * each).copied().unwrap_or(u32::MAX)).collect();
    let mut times = vec![f64::NAN; num];
    for (batch, times) in first.chunks(BATCH).zip(times.chunks_mut(BATCH)) {
        // Nothing is known of what cannot be read; what says nothing at the beginning does not later.
        let _ = read_batch(book, batch, times, options);
        if times.iter().all(|time| time.is_nan()) {
            break;
        }
    }
    times.iter().any(|time| time.is_finite()).then_some(times)
}

fn read_batch(book: &Book, batch: &[u32], times: &mut [f64], options: &OpenOptions) -> Option<()> {
    let (volume, ..) = book.page(*batch.iter().find(|number| **number < FIRST_ABSENT)? as usize)?;
    let name = &volume.file.name;
    // The pages of one file; the few of another one in a batch are read by themselves.
    let of_file = |number: &u32| {
        let (other, page, _) = book.page(*number as usize).filter(|_| *number < FIRST_ABSENT)?;
        (other.file.name == *name).then_some(page.at)
    };
    let places: Vec<(usize, u64)> = batch.iter().enumerate().filter_map(|(i, n)| Some((i, of_file(n)?))).collect();
    let cancel = &options.cancel;
    store::tried(&*volume.file.store, name, cancel, &mut |until| -> Result<(), FetchError> {
        let ask = Ask { until, cancel };
        let ranges: Vec<_> = places.iter().map(|(_, at)| volume.file.window(*at)).collect();
        for ((i, at), bytes) in places.iter().zip(volume.file.ranges(&ranges, ask)?) {
            let Ok(directory) = volume.file.directory_in(Window { at: *at, bytes }, ask)? else { continue };
            let text = volume.file.value(&directory, DESCRIPTION, MAX_TEXT_BYTES, ask)?;
            times[*i] = text.and_then(|text| time_in(&text.text())).unwrap_or(f64::NAN);
        }
        Ok(())
    })
    .ok()?;
    for (i, number) in batch.iter().enumerate().filter(|(_, number)| **number < FIRST_ABSENT) {
        let (other, page, _) = book.page(*number as usize)?;
        if other.file.name != *name {
            let text = store::tried(&*other.file.store, &other.file.name, cancel, &mut |until| {
                let ask = Ask { until, cancel };
                let Ok(directory) = other.file.directory(page.at, ask)? else { return Ok(None) };
                other.file.value(&directory, DESCRIPTION, MAX_TEXT_BYTES, ask)
            });
            times[i] = text.ok()?.and_then(|text| time_in(&text.text())).unwrap_or(f64::NAN);
        }
    }
    Some(())
}

/// "frameTimestamps_sec = 0.033", in older files "Frame Timestamp(s) = 0.033".
fn time_in(text: &str) -> Option<f64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let is_time = matches!(name.trim(), "frameTimestamps_sec" | "Frame Timestamp(s)");
        value.trim().parse().ok().filter(|time: &f64| is_time && time.is_finite())
    })
}
