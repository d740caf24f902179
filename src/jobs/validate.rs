//! What was written, compared with what it was made of before it gets its final name: some boxes in random places, or
//! all of it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::format::{OpenOptions, Source, open};
use crate::volume::{Location, Region};
use crate::write::{BufferIter, BufferOptions, read_buffer};

/// How much is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validate {
    /// Nothing.
    #[default]
    Nothing,
    /// So many boxes in random places.
    Some(u64),
    /// Every voxel.
    All,
}

impl std::str::FromStr for Validate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("all", _) => Ok(Self::All),
            (_, Ok(0)) => Ok(Self::Nothing),
            (_, Ok(num)) => Ok(Self::Some(num)),
            _ => Err("a number of regions, or all".to_owned()),
        }
    }
}

/// Gigabytes that are compared at once.
const BUFFER_GB: f64 = 0.064;

impl Validate {
    /// Compares what lies at `written` with its source.
    ///
    /// # Errors
    /// If it cannot be opened or read, or the first box that is not the same.
    pub fn compare(self, source: &Arc<dyn Source>, written: &Path, standing: &OpenOptions) -> Result<()> {
        if self == Self::Nothing {
            return Ok(());
        }
        let options = OpenOptions::default().or_standing(standing);
        // A pyramid says that it is one when it is finished: until then its finest array is opened by itself.
        let opened = match (open(written, &options), written.join("0")) {
            (Err(_), finest) if finest.is_dir() => open(&finest, &options),
            (opened, _) => opened,
        };
        let opened = opened.context("what was written cannot be opened")?;
        let (info, own) = (source.info(), opened.source.info());
        if info.shape != own.shape || info.dtype != own.dtype {
            bail!(
                "{}: holds {} of {} where {} of {} were written",
                written.display(),
                own.shape,
                own.dtype,
                info.shape,
                info.dtype
            );
        }
        let options = BufferOptions { buffer_gb: Some(BUFFER_GB), chunk_mb: Some(1.0), ..BufferOptions::default() };
        let buffers = BufferIter::new(info.shape, info.dtype, &options)?;
        let num = buffers.num_buffers();
        let mut random = Random::new(&info.location);
        let regions: Vec<Region> = match self {
            Self::Some(wanted) if wanted < num => {
                (0..wanted).filter_map(|_| buffers.selection(random.below(num))).collect()
            }
            _ => buffers.collect(),
        };
        for region in regions {
            let (from, to) = (read_buffer(&**source, &region)?, read_buffer(&*opened.source, &region)?);
            // What a format leaves out because all of it is the fill value is no loss.
            if from.bytes != to.bytes || !from.missing.is_empty() {
                bail!("{}: {region} is not what {} holds there", written.display(), info.location);
            }
        }
        Ok(())
    }
}

/// Numbers in no order: other ones in each run, so that many merges look at many places.
struct Random(u64);

impl Random {
    fn new(location: &Location) -> Self {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos() as u64);
        Self(location.to_string().bytes().fold(now | 1, |hash, byte| hash.rotate_left(5) ^ u64::from(byte)))
    }

    /// One of 0 to `end`, without it.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) % end.max(1)
    }
}
