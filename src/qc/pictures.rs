//! Pictures of one plane over the whole time: its mean, its tSNR, and its mean with the contrast evened out.

/// The pictures, each in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// The plane they are of.
    pub z: usize,
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Voxels of the recording along a pixel.
    pub step: usize,
    /// Mean over t.
    pub mean: Vec<f32>,
    /// Mean over standard deviation, both over t; NaN below the noise of the camera.
    pub tsnr: Vec<f32>,
    /// Mean, high-passed and divided by its local contrast (suite2p's `meanImgE`).
    pub enhanced: Vec<f32>,
}
