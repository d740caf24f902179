//! The median of the surroundings of every pixel: a histogram that moves along with the window (Huang 1979).

use rayon::prelude::*;

/// Classes that values are sorted into, equally many in each: the median of classes is the class of the median.
const NUM_CLASSES: usize = 4096;

/// The median over a square window of odd side around every pixel; beyond the edges there is nothing. Right up to
/// the 4,096th part of all values. What is not a number counts as larger than all others.
pub fn median_filter(picture: &[f32], [rows, columns]: [usize; 2], window: usize) -> Vec<f32> {
    let (classes, values) = classes_of(picture);
    let mut medians = vec![0.0; picture.len()];
    if columns == 0 {
        return medians;
    }
    let reach = window / 2;
    medians.par_chunks_mut(columns).enumerate().for_each_init(Sliding::default, |sliding, (y, out)| {
        let lines: Vec<&[u16]> = (y.saturating_sub(reach)..(y + reach + 1).min(rows))
            .map(|row| &classes[row * columns..(row + 1) * columns])
            .collect();
        sliding.clear();
        (0..reach.min(columns)).for_each(|x| sliding.add(&lines, x));
        for (x, out) in out.iter_mut().enumerate() {
            if x + reach < columns {
                sliding.add(&lines, x + reach);
            }
            if x > reach {
                sliding.remove(&lines, x - reach - 1);
            }
            *out = values[sliding.median()];
        }
    });
    medians
}

/// The class of every pixel, and the middle value of each class.
fn classes_of(picture: &[f32]) -> (Vec<u16>, Vec<f32>) {
    let mut order: Vec<u32> = (0..picture.len() as u32).collect();
    order.par_sort_unstable_by(|a, b| picture[*a as usize].total_cmp(&picture[*b as usize]));
    let of_class = order.len().div_ceil(NUM_CLASSES).max(1);
    let mut classes = vec![0; picture.len()];
    let mut values = Vec::with_capacity(NUM_CLASSES);
    for (class, members) in order.chunks(of_class).enumerate() {
        values.push(picture[members[members.len() / 2] as usize]);
        members.iter().for_each(|i| classes[*i as usize] = class as u16);
    }
    (classes, values)
}

/// The counts of classes in a window, with the class that its median is in.
struct Sliding {
    counts: Box<[u32]>,
    num: u32,
    class: usize,
    num_below: u32,
}

impl Default for Sliding {
    fn default() -> Self {
        Self { counts: vec![0; NUM_CLASSES].into(), num: 0, class: 0, num_below: 0 }
    }
}

impl Sliding {
    fn clear(&mut self) {
        self.counts.fill(0);
        (self.num, self.class, self.num_below) = (0, 0, 0);
    }

    fn add(&mut self, lines: &[&[u16]], x: usize) {
        for line in lines {
            let class = usize::from(line[x]);
            self.counts[class] += 1;
            self.num_below += u32::from(class < self.class);
        }
        self.num += lines.len() as u32;
    }

    fn remove(&mut self, lines: &[&[u16]], x: usize) {
        for line in lines {
            let class = usize::from(line[x]);
            self.counts[class] -= 1;
            self.num_below -= u32::from(class < self.class);
        }
        self.num -= lines.len() as u32;
    }

    /// The class of the upper median.
    fn median(&mut self) -> usize {
        let half = self.num / 2;
        while self.num_below > half {
            self.class -= 1;
            self.num_below -= self.counts[self.class];
        }
        while self.num_below + self.counts[self.class] <= half {
            self.num_below += self.counts[self.class];
            self.class += 1;
        }
        self.class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_median_of_what_lies_around() {
        let shape = [17, 23];
        let picture: Vec<f32> = (0..17 * 23).map(|i| ((i * 7919) % 1009) as f32).collect();
        for window in [1, 3, 7, 99] {
            let medians = median_filter(&picture, shape, window);
            let reach = window as isize / 2;
            for (i, median) in medians.iter().enumerate() {
                let (y, x) = ((i / 23) as isize, (i % 23) as isize);
                let is_near =
                    |j: usize| ((j / 23) as isize - y).abs() <= reach && ((j % 23) as isize - x).abs() <= reach;
                let mut around: Vec<f32> = (0..picture.len()).filter(|j| is_near(*j)).map(|j| picture[j]).collect();
                around.sort_by(f32::total_cmp);
                assert_eq!(*median, around[around.len() / 2], "window {window} at {y}, {x}");
            }
        }
    }

    #[test]
    fn nothing_and_what_is_no_number_are_no_problem() {
        assert!(median_filter(&[], [0, 0], 5).is_empty());
        assert_eq!(median_filter(&[1.0, f32::NAN, 1.0], [1, 3], 3)[0].to_bits(), f32::NAN.to_bits());
        assert_eq!(median_filter(&[1.0, f32::NAN, 1.0], [1, 3], 3)[1], 1.0);
    }
}
