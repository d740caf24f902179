//! Where something lies: a path of this machine, or a URL. A plain value; nothing is looked up.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path or a URL. Cheap to clone; kept and written as text.
///
/// What follows the `?` of a URL and the user named before its host may be the right to read there: they are
/// used and compared, never shown or written ([`Location::url`] has them).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// A file or folder of this machine, mounted shares included; relative to where the program was
    /// started unless it is absolute.
    Path(Arc<Path>),
    /// Anything else that has a scheme: `https://host/fish.zarr`, `s3://bucket/fish`. As it was given.
    Url(Arc<str>),
}

impl Location {
    /// Text as somebody gives it: a URL where it begins with `scheme://`, a path otherwise. `file://` is a
    /// path. A single letter is a drive, not a scheme.
    pub fn parse(text: &str) -> Self {
        match scheme_of(text) {
            Some(scheme) if scheme.eq_ignore_ascii_case("file") => {
                // What stands before the first slash is a host; no host is this machine.
                let rest = &text[scheme.len() + 3..];
                let path = rest.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(rest);
                Self::from(PathBuf::from(percent_decoded(path)))
            }
            Some(_) => Self::Url(text.into()),
            None => Self::from(Path::new(text)),
        }
    }

    /// The path, where it is of this machine.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Url(_) => None,
        }
    }

    /// All of the URL, what must not be shown included; `None` for a path.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Path(_) => None,
            Self::Url(url) => Some(url),
        }
    }

    /// The host of a URL, without user and port; `None` for a path.
    pub fn host(&self) -> Option<&str> {
        let Self::Url(url) = self else { return None };
        let (root, _, _) = url_parts(url);
        let host = root.split_once("://").map_or(root, |(_, host)| host);
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((address, _)) => Some(address),
            None => host.split(':').next(),
        }
    }

    /// What is below the host of a URL, its codes as the characters they stand for: `data/fish`.
    pub fn url_path(&self) -> Option<String> {
        let Self::Url(url) = self else { return None };
        Some(percent_decoded(url_parts(url).1.trim_matches('/')))
    }

    /// As text, without what must not be shown: what is kept of it, and what tells one from another where the
    /// right to read does not.
    pub fn without_secrets(&self) -> String {
        self.shown().map_or_else(|| self.to_string(), |(text, _)| text)
    }

    /// As text for whoever opens it again: as it is shown. What a URL gives the right to is not kept, and that
    /// there was something is told by [`Self::is_cut`] when it comes back.
    pub fn kept(&self) -> String {
        let shown = self.to_string();
        match self {
            Self::Url(url) if **url != *shown && !shown.ends_with(CUT) => shown + CUT,
            _ => shown,
        }
    }

    /// Whether it is what was kept of a URL of which not all may be kept.
    pub fn is_cut(&self) -> bool {
        matches!(self, Self::Url(url) if url.ends_with(CUT))
    }

    /// A URL without what must not be shown, and whether it had a query; `None` for a path.
    fn shown(&self) -> Option<(String, bool)> {
        let Self::Url(url) = self else { return None };
        let (root, path, rest) = url_parts(url);
        let (scheme, host) = root.split_once("://")?;
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Some((format!("{scheme}://{host}{path}"), rest.starts_with('?')))
    }

    /// What stands before `://`; `None` for a path.
    pub fn scheme(&self) -> Option<&str> {
        match self {
            Self::Path(_) => None,
            Self::Url(url) => scheme_of(url),
        }
    }

    /// The last part, as people read it; `None` where there is none, as for `/` and `https://host`.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Path(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
            Self::Url(url) => {
                let (_, path, _) = url_parts(url);
                let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                (!name.is_empty()).then(|| percent_decoded(name))
            }
        }
    }

    /// The last part, or all of it where there is none.
    pub fn short(&self) -> String {
        self.name().unwrap_or_else(|| self.to_string())
    }

    /// What it lies in; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Path(path) => path.parent().map(|parent| match parent.as_os_str().is_empty() {
                true => Self::from(Path::new(".")),
                false => Self::from(parent),
            }),
            Self::Url(url) => {
                let (root, path, query) = url_parts(url);
                let (above, _) = path.trim_end_matches('/').rsplit_once('/')?;
                Some(Self::Url(format!("{root}{above}{query}").into()))
            }
        }
    }

    /// Something in it, by its plain name (`a/b` for something deeper). What follows the `?` of a URL is
    /// kept: some stores carry the right to read there.
    pub fn join(&self, name: &str) -> Self {
        match self {
            Self::Path(path) => Self::from(path.join(name)),
            Self::Url(url) => {
                let (root, path, query) = url_parts(url);
                Self::Url(format!("{root}{}/{}{query}", path.trim_end_matches('/'), encoded(name)).into())
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Url(_) => match self.shown() {
                Some((text, true)) => f.pad(&format!("{text}{CUT}")),
                Some((text, false)) => f.pad(&text),
                None => Ok(()),
            },
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Url(_) => f.debug_tuple("Url").field(&format_args!("{self}")).finish(),
        }
    }
}

/// A path that reads as a URL is one: files behind URLs are known by such paths where only paths are known.
impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        match path.to_str().filter(|text| scheme_of(text).is_some()) {
            Some(url) => Self::Url(url.into()),
            None => Self::Path(path.into()),
        }
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

impl From<&Arc<Path>> for Location {
    fn from(path: &Arc<Path>) -> Self {
        Self::from(path.as_ref())
    }
}

impl From<&Self> for Location {
    fn from(location: &Self) -> Self {
        location.clone()
    }
}

impl From<&str> for Location {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl From<OsString> for Location {
    fn from(text: OsString) -> Self {
        match text.to_str() {
            Some(text) => Self::parse(text),
            None => Self::from(PathBuf::from(text)),
        }
    }
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.without_secrets())
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

/// Stands for what is not shown of a URL.
const CUT: &str = "?…";

/// The scheme of a URL, if the text is one.
fn scheme_of(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then_some(scheme)
}

/// Scheme and host, the path from its slash on, and what follows it from `?` or `#` on.
fn url_parts(url: &str) -> (&str, &str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let query = url[host..].find(['?', '#']).map_or(url.len(), |at| host + at);
    let path = url[host..query].find('/').map_or(query, |at| host + at);
    (&url[..path], &url[path..query], &url[query..])
}

/// A name with what would end a URL's path, or be taken for a code, as codes.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        match c {
            '%' | '?' | '#' | ' ' => text.push_str(&format!("%{:02X}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

/// The text with its `%20` and so on as the characters they stand for.
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| byte == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(value) => {
                bytes.push(value);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_url_only_with_a_scheme() {
        for path in ["/data/fish", "data/fish", "C:\\data", "c://data", "", "://x", "2a://x", "a b://x", "~/x"] {
            assert_eq!(Location::parse(path), Location::from(Path::new(path)), "{path}");
        }
        for url in ["https://host/fish.zarr", "s3://bucket", "gs+x.y-z://b/a?token=1#f"] {
            assert_eq!(Location::parse(url), Location::Url(url.into()));
            assert_eq!(Location::parse(url).url(), Some(url));
        }
        for file in ["file:///data/a%20b", "FILE://localhost/data/a%20b"] {
            assert_eq!(Location::parse(file).path(), Some(Path::new("/data/a b")));
        }
    }

    #[test]
    fn paths_and_urls_are_walked_up_and_down_alike() {
        for (top, inner) in [
            ("/data", "/data/fish 1/50%?.h5"),
            ("s3://bucket/data", "s3://bucket/data/fish%201/50%25%3F.h5"),
            ("https://host/data?sig=a%2Fb", "https://host/data/fish%201/50%25%3F.h5?sig=a%2Fb"),
        ] {
            let top = Location::parse(top);
            let file = top.join("fish 1").join("50%?.h5");
            assert_eq!((file.clone(), top.join("fish 1/50%?.h5")), (Location::parse(inner), Location::parse(inner)));
            assert_eq!(file.name().as_deref(), Some("50%?.h5"));
            assert_eq!(file.parent().and_then(|folder| folder.parent()), Some(top));
        }
        assert_eq!(Location::parse("https://host/a/").parent(), Some(Location::parse("https://host")));
        for top in ["https://host", "https://host/", "/"] {
            assert_eq!((Location::parse(top).parent(), Location::parse(top).name()), (None, None), "{top}");
            assert_eq!(Location::parse(top).short(), top);
        }
        assert_eq!(Location::parse("fish").parent(), Some(Location::parse(".")));
    }

    #[test]
    fn what_is_kept_as_text_comes_back() {
        for text in ["/data/fish 1", "https://host/fish.zarr", "rel/x"] {
            let location = Location::parse(text);
            let kept = serde_json::to_string(&location).unwrap();
            assert_eq!(serde_json::from_str::<Location>(&kept).unwrap(), location);
        }
    }

    #[test]
    fn what_is_kept_of_a_url_says_that_there_was_more() {
        for (url, kept) in [
            ("https://me:word@host/a.h5?sig=word", "https://host/a.h5?…"),
            ("https://me:word@host/a.h5", "https://host/a.h5?…"),
            ("s3://bucket/a b.h5", "s3://bucket/a b.h5"),
            ("/data/a?…", "/data/a?…"),
        ] {
            let location = Location::parse(url);
            let back = Location::parse(&location.kept());
            assert_eq!((location.kept().as_str(), back.kept()), (kept, location.kept()));
            assert_eq!((location.is_cut(), back.is_cut()), (false, back != location), "{url}");
        }
    }

    #[test]
    fn what_a_url_gives_the_right_to_is_neither_shown_nor_written() {
        let location = Location::parse("https://me:word@host:81/a/fish.h5?X-Amz-Signature=word#word");
        assert_eq!(location.to_string(), "https://host:81/a/fish.h5?…");
        assert_eq!(serde_json::to_string(&location).unwrap(), "\"https://host:81/a/fish.h5\"");
        assert!(!format!("{location:?} {:?}", location.join("x")).contains("word"));
        assert_eq!((location.name().as_deref(), location.host()), (Some("fish.h5"), Some("host")));
        assert_eq!(location.url_path().as_deref(), Some("a/fish.h5"));
        assert_eq!(Location::parse("http://[::1]:80/a").host(), Some("::1"));
        // An @ further on is no user.
        assert_eq!(Location::parse("https://host/@v2/a").to_string(), "https://host/@v2/a");
    }
}
