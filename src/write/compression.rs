//! How chunks are compressed, as somebody says it: `none`, `gzip`, `zstd:3`, `blosc:lz4:5`.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A compressor and its level. Which of them a format can store is for its target to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// What compresses.
    pub codec: Codec,
    /// How hard, as that codec counts; its usual level where nobody said so.
    pub level: u8,
}

/// What compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Nothing.
    None,
    /// Deflate, as gzip and zlib have it.
    Gzip,
    /// Zstandard.
    Zstd,
    /// LZF, h5py's own.
    Lzf,
    /// LZW, of TIFF.
    Lzw,
    /// Blosc 1, which shuffles bytes and gives blocks of them to one of these.
    Blosc(BloscCodec),
}

/// What compresses inside Blosc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BloscCodec {
    Blosclz,
    Lz4,
    Lz4hc,
    Zlib,
    Zstd,
}

impl BloscCodec {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Blosclz, Self::Lz4, Self::Lz4hc, Self::Zlib, Self::Zstd];

    /// Name as Blosc has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blosclz => "blosclz",
            Self::Lz4 => "lz4",
            Self::Lz4hc => "lz4hc",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        }
    }

    /// Number as Blosc has it.
    pub fn number(self) -> u32 {
        match self {
            Self::Blosclz => 0,
            Self::Lz4 => 1,
            Self::Lz4hc => 2,
            Self::Zlib => 4,
            Self::Zstd => 5,
        }
    }
}

impl Compression {
    /// Nothing is compressed.
    pub const NONE: Self = Self { codec: Codec::None, level: 0 };
    /// What acquisition programs and split_dataset ask for ("blosc").
    pub const BLOSC: Self = Self { codec: Codec::Blosc(BloscCodec::Blosclz), level: 9 };

    /// The levels a codec has, and its usual one.
    fn levels(codec: Codec) -> (u8, u8, u8) {
        match codec {
            Codec::None | Codec::Lzf | Codec::Lzw => (0, 0, 0),
            Codec::Gzip => (0, 9, 4),
            Codec::Zstd => (1, 22, 3),
            Codec::Blosc(BloscCodec::Blosclz) => (0, 9, 9),
            Codec::Blosc(_) => (0, 9, 5),
        }
    }
}

impl FromStr for Compression {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.trim().split(':').map(str::trim).collect();
        let (codec, level) = match words[..] {
            ["none"] => (Codec::None, None),
            ["gzip" | "zlib" | "deflate", ref level @ ..] => (Codec::Gzip, Some(level)),
            ["zstd", ref level @ ..] => (Codec::Zstd, Some(level)),
            ["lzf"] => (Codec::Lzf, None),
            ["lzw"] => (Codec::Lzw, None),
            ["blosc", ref rest @ ..] => {
                let named =
                    rest.first().and_then(|name| BloscCodec::ALL.into_iter().find(|codec| codec.name() == *name));
                match named {
                    Some(codec) => (Codec::Blosc(codec), Some(&rest[1..])),
                    None => (Codec::Blosc(BloscCodec::Blosclz), Some(rest)),
                }
            }
            _ => bail!(
                "{text} is no compression; there are none, gzip, zstd, lzf, lzw and blosc, as in gzip:6 or blosc:lz4:5"
            ),
        };
        let (lowest, highest, usual) = Self::levels(codec);
        let level = match level.unwrap_or_default() {
            [] => usual,
            [level] => match level.parse::<u8>() {
                Ok(level) if (lowest..=highest).contains(&level) => level,
                _ => bail!("{text}: {level} is no level; there are {lowest} to {highest}"),
            },
            _ => bail!("{text}: too many words; as in blosc:lz4:5"),
        };
        Ok(Self { codec, level })
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.codec {
            Codec::None => f.write_str("none"),
            Codec::Gzip => write!(f, "gzip:{}", self.level),
            Codec::Zstd => write!(f, "zstd:{}", self.level),
            Codec::Lzf => f.write_str("lzf"),
            Codec::Lzw => f.write_str("lzw"),
            Codec::Blosc(codec) => write!(f, "blosc:{}:{}", codec.name(), self.level),
        }
    }
}

impl Serialize for Compression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Compression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_what_is_kept() {
        for (said, kept) in [
            ("none", "none"),
            ("gzip", "gzip:4"),
            ("zlib:9", "gzip:9"),
            ("zstd:19", "zstd:19"),
            ("lzf", "lzf"),
            ("blosc", "blosc:blosclz:9"),
            ("blosc:3", "blosc:blosclz:3"),
            ("blosc:lz4", "blosc:lz4:5"),
            ("blosc:zstd:1", "blosc:zstd:1"),
        ] {
            let compression: Compression = said.parse().unwrap();
            assert_eq!(compression.to_string(), kept);
            assert_eq!(kept.parse::<Compression>().unwrap(), compression);
        }
        for wrong in ["", "gzip:10", "gzip:x", "zip", "blosc:lz5", "zstd:0", "none:3", "blosc:lz4:3:4"] {
            assert!(wrong.parse::<Compression>().is_err(), "{wrong}");
        }
    }
}
