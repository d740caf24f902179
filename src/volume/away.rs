//! Values that lie outside memory, such as in a texture, and are brought there when somebody asks for them.

use std::sync::OnceLock;

use super::{Buffer, Region};

/// Where values lie that are not in memory. They stay there as long as this lives.
pub trait Away: Send + Sync + std::fmt::Debug {
    /// Begins to bring the values, C order, without waiting: `None` while they are on their way.
    ///
    /// # Errors
    /// In words, when they cannot be had any more.
    fn try_fetch(&self) -> Option<Result<Buffer, String>>;

    /// Brings the values and waits for them.
    ///
    /// # Errors
    /// In words, when they cannot be had any more.
    fn fetch(&self) -> Result<Buffer, String>;
}

/// Where the bytes of an array are.
#[derive(Debug)]
pub(super) enum Content {
    Here(Buffer),
    Away(Box<Errand>),
}

/// Bytes to be brought when they are first needed.
#[derive(Debug)]
pub(super) struct Errand {
    away: Box<dyn Away>,
    num_bytes: usize,
    whole: Region,
    brought: OnceLock<Brought>,
}

#[derive(Debug)]
struct Brought {
    buffer: Buffer,
    /// All of the array where it could not be had: what stands in its place must not pass for measured.
    lost: Option<Region>,
}

impl Errand {
    pub(super) fn new(away: Box<dyn Away>, num_bytes: usize, whole: Region) -> Self {
        Self { away, num_bytes, whole, brought: OnceLock::new() }
    }

    fn received(&self, result: Result<Buffer, String>) -> Brought {
        let error = match result {
            Ok(buffer) if buffer.len() == self.num_bytes => return Brought { buffer, lost: None },
            Ok(buffer) => format!("{} bytes instead of {}", buffer.len(), self.num_bytes),
            Err(error) => error,
        };
        tracing::warn!("the values of a picture cannot be had any more: {error}");
        Brought { buffer: Buffer::unpooled(self.num_bytes), lost: Some(self.whole) }
    }

    fn brought(&self) -> &Brought {
        self.brought.get_or_init(|| self.received(self.away.fetch()))
    }
}

impl Content {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Here(buffer) => buffer.bytes(),
            Self::Away(errand) => errand.brought().buffer.bytes(),
        }
    }

    /// Memory occupied, or that will be once the bytes are asked for.
    pub(super) fn num_bytes(&self) -> usize {
        match self {
            Self::Here(buffer) => buffer.capacity_bytes(),
            Self::Away(errand) => errand.num_bytes.next_multiple_of(8),
        }
    }

    /// All of the array, where its bytes were to be brought and could not be.
    pub(super) fn lost(&self) -> Option<&Region> {
        match self {
            Self::Here(_) => None,
            Self::Away(errand) => errand.brought.get()?.lost.as_ref(),
        }
    }

    pub(super) fn is_in_memory(&self) -> bool {
        match self {
            Self::Here(_) => true,
            Self::Away(errand) => errand.brought.get().is_some(),
        }
    }

    pub(super) fn is_away(&self) -> bool {
        matches!(self, Self::Away(_))
    }

    /// Whether there is nothing to wait for; begins to bring the bytes where there is.
    pub(super) fn try_fetch(&self) -> bool {
        let Self::Away(errand) = self else { return true };
        if errand.brought.get().is_some() {
            return true;
        }
        let Some(result) = errand.away.try_fetch() else { return false };
        errand.brought.get_or_init(|| errand.received(result));
        true
    }
}
