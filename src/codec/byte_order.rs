//! Numbers stored in the other byte order.

/// Turns the bytes of each number of `item` bytes around; what is left over at the end stays.
pub(crate) fn swap_bytes(item: usize, bytes: &mut [u8]) {
    match item {
        0 | 1 => {}
        // Of a known size they are turned many at a time.
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|number| number.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|number| number.reverse()),
        8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|number| number.reverse()),
        _ => bytes.chunks_exact_mut(item).for_each(<[u8]>::reverse),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_turned_around_by_itself() {
        for (item, turned) in [
            (0, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
            (1, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
            (2, [2, 1, 4, 3, 6, 5, 8, 7, 9]),
            (3, [3, 2, 1, 6, 5, 4, 9, 8, 7]),
            (4, [4, 3, 2, 1, 8, 7, 6, 5, 9]),
            (8, [8, 7, 6, 5, 4, 3, 2, 1, 9]),
            (16, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ] {
            let mut bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
            swap_bytes(item, &mut bytes);
            assert_eq!(bytes, turned, "{item}");
        }
    }
}
