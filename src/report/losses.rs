//! What each alarm costs: timepoints that cannot be used because of it, so that all of them add up to what is
//! lost.

use super::words::grouped;
use crate::qc::{Gravity, Report};

/// For each alarm the timepoints it takes away, in order. A timepoint on which several lie counts for the first
/// of them.
pub fn losses(report: &Report) -> Vec<usize> {
    let mut is_taken = vec![false; report.table.num_t()];
    let take = |from: usize, to: usize, is_taken: &mut Vec<bool>| {
        let to = (to + 1).min(is_taken.len());
        let part = &mut is_taken[from.min(to)..to];
        let num = part.iter().filter(|is_taken| !**is_taken).count();
        part.fill(true);
        num
    };
    let lost = |alarm: &crate::qc::Alarm| match alarm.gravity {
        Gravity::Warn => 0,
        Gravity::Alarm => take(alarm.t[0], alarm.t[1], &mut is_taken),
    };
    report.alarms.iter().map(lost).collect()
}

/// The same in words: "− 0.2 min", "− 43 t", "kept". In minutes they add up to the difference of the two numbers
/// of the badge, each rounded down or up; what is shorter than two minutes is told in seconds.
pub fn words(report: &Report, losses: &[usize]) -> Vec<String> {
    let Some(rate) = report.subject.rate_hz.filter(|rate| *rate > 0.0) else {
        return losses.iter().map(|lost| if *lost == 0 { kept() } else { format!("− {} t", grouped(*lost)) }).collect();
    };
    if report.usable.of as f64 / rate < 120.0 {
        let word = |lost: &usize| if *lost == 0 { kept() } else { format!("− {:.1} s", *lost as f64 / rate) };
        return losses.iter().map(word).collect();
    }
    let tenths: Vec<f64> = losses.iter().map(|lost| *lost as f64 / rate / 6.0).collect();
    let tenth = |num_t: usize| (num_t as f64 / rate / 6.0).round() as i64;
    let shown = tenth(report.usable.of) - tenth(report.usable.expected);
    let word = |(lost, tenths): (&usize, i64)| match (lost, tenths) {
        (0, _) => kept(),
        (_, 0) => "< 0.1 min".to_owned(),
        _ => format!("− {:.1} min", tenths as f64 / 10.0),
    };
    losses.iter().zip(rounded(&tenths, shown)).map(word).collect()
}

fn kept() -> String {
    "kept".to_owned()
}

/// Whole numbers next to these that add up to `sum`, as far as rounding each up or down gets there.
fn rounded(values: &[f64], sum: i64) -> Vec<i64> {
    let mut whole: Vec<i64> = values.iter().map(|value| value.floor() as i64).collect();
    let mut order: Vec<usize> = (0..values.len()).filter(|i| values[*i] > 0.0).collect();
    order.sort_by(|a, b| values[*b].fract().total_cmp(&values[*a].fract()));
    let missing = sum - whole.iter().sum::<i64>();
    for i in order.into_iter().take(missing.max(0) as usize) {
        whole[i] += 1;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_losses_add_up_to_what_is_shown() {
        // 30.0 − 18.4: 43, 59 and 3,378 volumes at 5 Hz.
        let tenths = [43.0, 59.0, 0.0, 3378.0].map(|lost| lost / 5.0 / 6.0);
        assert_eq!(rounded(&tenths, 116), [1, 2, 0, 113]);
        // What is too far away for rounding is not forced.
        assert_eq!(rounded(&[0.4, 0.4], 9), [1, 1]);
        assert_eq!(rounded(&[2.9], 2), [2]);
    }
}
