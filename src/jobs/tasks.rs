//! Tasks: ranges of pieces, and lists of tasks as `sbatch --array` takes them.

use std::ops::Range;

use anyhow::{Context, Result, bail};

/// No plan has more tasks or pieces in a list than this: a slip of the finger must not take all memory.
const MAX_TASKS: u64 = 10_000_000;

/// Cuts pieces into so many ranges, as even as can be; into fewer where there are fewer pieces.
pub fn cut(num_pieces: u64, num_tasks: u64) -> Vec<[u64; 2]> {
    let num = num_tasks.clamp(1, num_pieces.max(1));
    // In 128 bits: the product may be larger than 64 hold.
    let at = |i: u64| (u128::from(num_pieces) * u128::from(i) / u128::from(num)) as u64;
    (0..num).map(|i| [at(i), at(i + 1)]).collect()
}

/// Tasks as a text of numbers and ranges names them: "3-7,12", and "0-9:2" for every second one.
///
/// # Errors
/// For what is no such list.
pub fn parse_tasks(text: &str) -> Result<Vec<u64>> {
    let mut tasks = Vec::new();
    for part in text.split(',') {
        let number = |text: &str| -> Result<u64> {
            let number = text.trim().parse::<u64>().ok().filter(|number| *number < MAX_TASKS);
            number.with_context(|| format!("{text}: is no task; give numbers and ranges such as 3-7,12"))
        };
        let (range, step) = match part.split_once(':') {
            Some((range, step)) => (range, number(step)?.max(1)),
            None => (part, 1),
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            bail!("{part}: ends before it begins");
        }
        tasks.extend((first..=last).step_by(step as usize));
    }
    tasks.sort_unstable();
    tasks.dedup();
    Ok(tasks)
}

/// The `i`th (from 0) of `of` shares of the tasks of a plan, said as "I/N".
///
/// # Errors
/// For what is no such share.
pub fn share_of_tasks(text: &str, num_tasks: u64) -> Result<Range<u64>> {
    let numbers = text.split_once('/').and_then(|(i, of)| Some((i.trim().parse().ok()?, of.trim().parse().ok()?)));
    let Some((i, of)) = numbers.filter(|&(i, of): &(u64, u64)| i < of) else {
        bail!("{text}: is no share; 0/4 is the first of four, 3/4 the last");
    };
    let at = |i: u64| (u128::from(num_tasks) * u128::from(i) / u128::from(of)) as u64;
    Ok(at(i)..at(i + 1))
}

/// Tasks as `sbatch --array` takes them: "3,17-20".
pub fn tasks_as_text(tasks: &[u64]) -> String {
    let mut runs: Vec<[u64; 2]> = Vec::new();
    for &task in tasks {
        match runs.last_mut() {
            Some(run) if run[1] + 1 == task => run[1] = task,
            _ => runs.push([task, task]),
        }
    }
    let text = |[first, last]: &[u64; 2]| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_they_are_written() {
        assert_eq!(parse_tasks("3-7,12").unwrap(), [3, 4, 5, 6, 7, 12]);
        assert_eq!(parse_tasks("12, 3,4-4").unwrap(), [3, 4, 12]);
        assert_eq!(parse_tasks("0-9:4").unwrap(), [0, 4, 8]);
        assert_eq!(tasks_as_text(&[3, 17, 18, 19, 20]), "3,17-20");
        assert_eq!(tasks_as_text(&[]), "");
        for tasks in [vec![0], vec![1, 3, 4, 5, 9], (0..40).collect()] {
            assert_eq!(parse_tasks(&tasks_as_text(&tasks)).unwrap(), tasks);
        }
        for bad in ["", "a", "7-3", "1,,2", "-1", "99999999999999999999", "0-99999999999"] {
            assert!(parse_tasks(bad).is_err(), "{bad}");
        }
        assert_eq!(share_of_tasks("1/3", 10).unwrap(), 3..6);
        assert!(share_of_tasks("3/3", 10).is_err() && share_of_tasks("1", 10).is_err());
    }

    #[test]
    fn every_piece_belongs_to_one_task() {
        for (pieces, tasks) in [(10, 3), (3, 10), (1, 1), (1000, 7), (u64::MAX, 5), (0, 4)] {
            let ranges = cut(pieces, tasks);
            assert_eq!(ranges[0][0], 0);
            assert_eq!(ranges.last().unwrap()[1], pieces);
            assert!(ranges.windows(2).all(|pair| pair[0][1] == pair[1][0]), "{ranges:?}");
            assert!(ranges.iter().all(|[first, end]| first < end || pieces == 0), "{ranges:?}");
        }
    }
}
