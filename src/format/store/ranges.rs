//! Many ranges as few requests: neighbours are asked for together, what is long in parts that come side by side.

use std::ops::Range;

/// Gaps up to this are fetched along: they take less time than a further request.
const MAX_GAP_BYTES: u64 = 128 << 10;

/// Most bytes of one request. Answers that come side by side share the line: of long ones all would come at the same
/// late moment, and the line would lie idle until the next have begun. Short ones come in the order asked for.
const MAX_REQUEST_BYTES: u64 = 512 << 10;

/// The requests that bring all of these ranges, in order of their place. Empty ranges need none.
pub fn requests(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted: Vec<Range<u64>> = ranges.iter().filter(|range| range.start < range.end).cloned().collect();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(MAX_GAP_BYTES) => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    let parts = |range: Range<u64>| {
        let num_parts = (range.end - range.start).div_ceil(MAX_REQUEST_BYTES);
        let len = (range.end - range.start).div_ceil(num_parts);
        (0..num_parts).map(move |i| range.start + i * len..(range.start + (i + 1) * len).min(range.end))
    };
    merged.into_iter().flat_map(parts).collect()
}

/// Takes each range out of what the requests brought. `None` where it is not all there.
pub fn pick(ranges: &[Range<u64>], mut fetched: Vec<(Range<u64>, Vec<u8>)>) -> Option<Vec<Vec<u8>>> {
    if let ([range], [(whole, bytes)]) = (ranges, fetched.as_mut_slice())
        && range == whole
    {
        return Some(vec![std::mem::take(bytes)]);
    }
    ranges.iter().map(|range| one(range, &fetched)).collect()
}

fn one(range: &Range<u64>, fetched: &[(Range<u64>, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity((range.end.saturating_sub(range.start)) as usize);
    let mut at = range.start;
    let mut next = fetched.partition_point(|(part, _)| part.end <= at);
    while at < range.end {
        let (part, stored) = fetched.get(next).filter(|(part, _)| part.contains(&at))?;
        let stop = range.end.min(part.end);
        bytes.extend_from_slice(stored.get((at - part.start) as usize..(stop - part.start) as usize)?);
        (at, next) = (stop, next + 1);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_request_and_what_is_long_is_cut() {
        assert_eq!(requests(&[10..20, 0..5, 5..5, 15..30]), [0..30]);
        let far = MAX_GAP_BYTES + 31;
        assert_eq!(requests(&[far..far + 1, 10..30]), [10..30, far..far + 1]);
        let long = requests(&[3..3 * MAX_REQUEST_BYTES]);
        assert_eq!((long.len(), long[0].start, long[2].end), (3, 3, 3 * MAX_REQUEST_BYTES));
        assert!(long.windows(2).all(|pair| pair[0].end == pair[1].start));
    }

    #[test]
    fn every_range_is_taken_from_the_requests_that_brought_it() {
        let bytes: Vec<u8> = (0..=255).collect();
        let fetched = |parts: &[Range<usize>]| -> Vec<_> {
            parts.iter().map(|part| (part.start as u64..part.end as u64, bytes[part.clone()].to_vec())).collect()
        };
        let ranges = [90..110, 0..0, 5..6, 200..256, 60..140];
        let picked = pick(&ranges, fetched(&[0..64, 64..128, 128..160, 200..256])).unwrap();
        let wanted: Vec<Vec<u8>> =
            ranges.iter().map(|range| bytes[range.start as usize..range.end as usize].to_vec()).collect();
        assert_eq!(picked, wanted);
        assert_eq!(pick(&[150..201], fetched(&[0..160, 200..256])), None);
        assert_eq!(pick(&[10..20], fetched(&[10..20])).unwrap(), [bytes[10..20].to_vec()]);
    }
}
