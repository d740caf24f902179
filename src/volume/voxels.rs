//! An array of voxels in memory, with the parts of it that could not be had.

use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::{ArrayViewD, IxDyn};

use super::away::{Away, Content, Errand};
use super::{Buffer, DType, Gaps, Region, Shape, Voxel};

/// Voxels in C order with their shape and type. What lies in `missing` was never measured or could not
/// be read, and must be drawn and reported as such, whatever the bytes say. The bytes may lie elsewhere
/// ([`Voxels::away`]) until they are asked for.
#[derive(Debug)]
pub struct Voxels {
    id: u64,
    dtype: DType,
    shape: Shape,
    content: Content,
    missing: Vec<Region>,
    gaps: Option<Gaps>,
}

impl Voxels {
    /// Wraps a filled buffer.
    ///
    /// # Panics
    /// If the buffer's length is not that of the shape and type: a caller's mistake, not bad input.
    pub fn new(dtype: DType, shape: Shape, buffer: Buffer, missing: Vec<Region>) -> Self {
        assert_eq!(Some(buffer.len()), shape.num_bytes(dtype), "buffer does not fit {shape:?} {dtype}");
        Self { id: next_id(), dtype, shape, content: Content::Here(buffer), missing, gaps: None }
    }

    /// Voxels, nothing missing, whose bytes lie elsewhere. Asking for values brings them and may wait for
    /// that, if only for the graphics device; what then cannot be had is missing.
    pub fn away(dtype: DType, shape: Shape, away: Box<dyn Away>) -> Self {
        let num_bytes = shape.num_bytes(dtype).unwrap_or(usize::MAX);
        let content = Content::Away(Box::new(Errand::new(away, num_bytes, Region::whole(&shape))));
        Self { id: next_id(), dtype, shape, content, missing: Vec::new(), gaps: None }
    }

    /// Whether the bytes lie elsewhere, whether or not they have been brought to memory as well.
    pub fn is_away(&self) -> bool {
        self.content.is_away()
    }

    /// Whether the bytes are in memory, or known not to be had any more.
    pub fn is_in_memory(&self) -> bool {
        self.content.is_in_memory()
    }

    /// Whether values can be asked for without waiting; begins to bring them where they lie elsewhere.
    pub fn try_fetch(&self) -> bool {
        self.content.try_fetch()
    }

    /// Waits for the values where they lie elsewhere; false if they cannot be had any more.
    pub fn fetch(&self) -> bool {
        self.content.bytes();
        self.content.lost().is_none()
    }

    /// Copies values into an array of their type.
    ///
    /// # Panics
    /// If the number of values is not that of the shape.
    pub fn from_values<T: Voxel>(dtype: DType, shape: Shape, values: &[T]) -> Self {
        let mut buffer = Buffer::unpooled(std::mem::size_of_val(values));
        buffer.bytes_mut().copy_from_slice(bytemuck::cast_slice(values));
        Self::new(dtype, shape, buffer, Vec::new())
    }

    /// The same voxels with other parts marked as missing.
    #[must_use]
    pub fn with_missing(mut self, missing: Vec<Region>) -> Self {
        self.missing = missing;
        self
    }

    /// The same voxels, of a projection that lacks some planes.
    #[must_use]
    pub fn with_gaps(mut self, gaps: Option<Gaps>) -> Self {
        self.gaps = gaps;
        self
    }

    /// What a projection lacks at pixels that are not missing.
    pub fn gaps(&self) -> Option<&Gaps> {
        self.gaps.as_ref()
    }

    /// Whether everything of it was measured and read.
    pub fn is_whole(&self) -> bool {
        self.missing().is_empty() && self.gaps.is_none()
    }

    /// Whether nothing of it was measured or read. Of planes and projections.
    pub fn is_void(&self) -> bool {
        let &[rows, columns] = self.shape.dims() else { return false };
        let area = |part: &Region| part.shape().num_voxels().unwrap_or(0);
        let num_missing = self.missing().iter().map(area).fold(0usize, usize::saturating_add);
        if num_missing < rows * columns || self.missing().is_empty() {
            return false;
        }
        // They may overlap.
        self.missing().contains(&Region::whole(&self.shape))
            || (0..rows).all(|row| (0..columns).all(|column| !self.is_measured(&[row, column])))
    }

    /// Identity of this content: no two arrays of a process share one, so it can key a texture.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Storage type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Extent; rank 2 (rows, columns) for a plane, 3 (z, y, x) for a volume.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Regions, in this array's own coordinates, that hold no measured data. May overlap.
    pub fn missing(&self) -> &[Region] {
        self.content.lost().map_or(&self.missing, std::slice::from_ref)
    }

    /// Raw bytes in C order; brought to memory first where they lie elsewhere, so ask for them before
    /// [`Voxels::missing`].
    pub fn bytes(&self) -> &[u8] {
        self.content.bytes()
    }

    /// Memory occupied, for budgets; that of the bytes included where they lie elsewhere.
    pub fn num_bytes(&self) -> usize {
        self.content.num_bytes() + std::mem::size_of_val(self.missing.as_slice())
    }

    /// All values, where `T` is the type [`crate::dispatch_dtype`] gives for this array's dtype.
    pub fn values<T: Voxel>(&self) -> &[T] {
        bytemuck::cast_slice(self.bytes())
    }

    /// All values with their shape; `None` where `T` is not what stores this array's type. What lies in
    /// [`Voxels::missing`] is no measurement here either.
    pub fn view<T: Voxel>(&self) -> Option<ArrayViewD<'_, T>> {
        if !T::stores(self.dtype) {
            return None;
        }
        ArrayViewD::from_shape(IxDyn(self.shape.dims()), self.values()).ok()
    }

    /// Whether the voxel at `index` was measured and read.
    pub fn is_measured(&self, index: &[usize]) -> bool {
        !self.missing().iter().any(|region| region.contains(index))
    }

    /// The exact value at `index` as text, `None` outside the array or where it is missing.
    pub fn format_value(&self, index: &[usize]) -> Option<String> {
        let offset = self.shape.offset(index)?;
        self.bytes();
        if !self.is_measured(index) {
            return None;
        }
        Some(match self.dtype {
            DType::Bool => (self.bytes()[offset] != 0).to_string(),
            DType::F32 => float_text(self.values::<f32>()[offset]),
            DType::F64 => float_text(self.values::<f64>()[offset]),
            dtype => crate::dispatch_dtype!(dtype, T => self.values::<T>()[offset].to_string()),
        })
    }

    /// The value at `index`, `None` outside the array or where it is missing.
    pub fn get_f64(&self, index: &[usize]) -> Option<f64> {
        let offset = self.shape.offset(index)?;
        self.bytes();
        self.is_measured(index)
            .then(|| crate::dispatch_dtype!(self.dtype, T => Voxel::to_f64(self.values::<T>()[offset])))
    }
}

fn next_id() -> u64 {
    static NEXT_ID: AtomicU64 = AtomicU64::new(1);
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

/// As few digits as tell a number from all others, by its power of ten where numpy writes it so.
fn float_text<T: std::fmt::Display + std::fmt::LowerExp + Into<f64> + Copy>(value: T) -> String {
    let size = value.into().abs();
    if size != 0.0 && size.is_finite() && !(1e-4..1e16).contains(&size) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_full_and_huge_ones_by_their_power_of_ten() {
        let values = [1e300, -2.5e-300, 1_000_000_010.25, 0.0, f64::NAN, f64::NEG_INFINITY];
        let voxels = Voxels::from_values(DType::F64, Shape::from([6]), &values);
        let texts = [0, 1, 2, 3, 4, 5].map(|i| voxels.format_value(&[i]).expect("inside"));
        assert_eq!(texts, ["1e300", "-2.5e-300", "1000000010.25", "0", "NaN", "-inf"]);
        let single = Voxels::from_values(DType::F32, Shape::from([1]), &[0.1f32]);
        assert_eq!(single.format_value(&[0]).as_deref(), Some("0.1"));
    }

    #[test]
    fn a_view_has_the_type_and_shape_of_its_array() {
        let voxels = Voxels::from_values(DType::I16, Shape::from([2, 3]), &[0i16, -1, -2, -3, -4, -5]);
        let view = voxels.view::<i16>().unwrap();
        assert_eq!((view.shape(), view[[1, 2]]), (&[2, 3][..], -5));
        assert!(voxels.view::<u16>().is_none() && voxels.view::<u8>().is_none());
        let bools = Voxels::from_values(DType::Bool, Shape::from([2]), &[0u8, 1]);
        assert_eq!(bools.view::<u8>().map(|view| view.sum()), Some(1));
    }

    /// What is said when values are asked for: nothing yet, the bytes, or why there are none.
    type Answer = Option<Result<Vec<u8>, String>>;

    #[derive(Debug)]
    struct Elsewhere(std::sync::Mutex<Vec<Answer>>);

    impl Away for Elsewhere {
        fn try_fetch(&self) -> Option<Result<Buffer, String>> {
            let answer = self.0.lock().unwrap().pop().expect("asked once too often")?;
            Some(answer.map(|bytes| {
                let mut buffer = Buffer::unpooled(bytes.len());
                buffer.bytes_mut().copy_from_slice(&bytes);
                buffer
            }))
        }

        fn fetch(&self) -> Result<Buffer, String> {
            self.try_fetch().expect("there")
        }
    }

    fn elsewhere(answers: Vec<Answer>) -> Voxels {
        let answers = answers.into_iter().rev().collect();
        Voxels::away(DType::U8, Shape::from([1, 2]), Box::new(Elsewhere(std::sync::Mutex::new(answers))))
    }

    #[test]
    fn values_that_lie_elsewhere_are_brought_once_and_only_when_asked_for() {
        let voxels = elsewhere(vec![None, None, Some(Ok(vec![7, 8]))]);
        assert!(voxels.is_whole() && voxels.num_bytes() >= 2, "which asks for none");
        assert!(!voxels.is_in_memory());
        assert_eq!([0, 1, 2, 3].map(|_| voxels.try_fetch()), [false, false, true, true]);
        assert!(voxels.is_in_memory());
        assert_eq!(voxels.values::<u8>(), [7, 8]);
        let voxels = elsewhere(vec![Some(Ok(vec![7, 8]))]);
        assert!(voxels.fetch() && voxels.is_whole());
        assert_eq!(voxels.format_value(&[0, 1]).as_deref(), Some("8"));
    }

    #[test]
    fn values_that_cannot_be_had_any_more_are_missing_and_not_zero() {
        for answer in [Err("gone".to_owned()), Ok(vec![1, 2, 3])] {
            let voxels = elsewhere(vec![Some(answer.clone())]);
            assert_eq!(voxels.get_f64(&[0, 1]), None);
            assert!(voxels.is_void() && !voxels.is_whole() && !voxels.fetch());
            let voxels = elsewhere(vec![Some(answer)]);
            assert!(crate::volume::measured_values(&voxels, 1).is_empty());
        }
    }
}
