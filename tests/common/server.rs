//! A small HTTP/1.1 server for tests: a folder's files by ranges, as slowly and as wrongly as a test wants it,
//! and a bucket of S3 over the same files (`/bucket/key` and `/bucket?list-type=2`). Everything is counted.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tectum::volume::percent_decoded;

/// How an answer is wrong.
#[derive(Clone, Debug)]
pub enum Wrong {
    /// All of the file and 200, though a part was asked for.
    Whole,
    /// This status and no file.
    Status(u16),
    /// This status, and a wish to be left alone for so many seconds.
    Busy(u16, u64),
    /// The connection ends after so many bytes of the body.
    CutAfter(usize),
    /// A body so many bytes longer than its range, and a length that says so.
    TooLong(usize),
    /// A body and a length of so many bytes less than its range.
    TooShort(usize),
    /// A range that was not asked for.
    OtherRange,
    /// A body without end, whose length nobody says.
    Endless,
    /// A pause before the answer.
    Slow(Duration),
    /// So long a pause after each byte of the body.
    Trickle(Duration),
    /// The connection stays open, and nothing comes.
    Silence,
    /// To another place.
    Redirect(String),
    /// To itself.
    RedirectLoop,
    /// What is no HTTP.
    Gibberish,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, without the leading slash.
    pub path: String,
    /// The header `range`, if there was one.
    pub range: Option<String>,
    /// The header `if-none-match`, if there was one.
    pub if_none_match: Option<String>,
    /// The header `authorization`, if there was one.
    pub authorization: Option<String>,
}

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub requests: Vec<Request>,
    /// The most requests that were under way at one time.
    pub max_under_way: usize,
    /// Bytes of all bodies that were sent.
    pub num_bytes: u64,
}

struct Script {
    part: String,
    wrong: Wrong,
    left: usize,
}

#[derive(Default)]
struct State {
    log: Log,
    under_way: usize,
    scripts: Vec<Script>,
    latency: Duration,
    /// Bytes each second for all connections together.
    bytes_per_s: Option<f64>,
    /// When the line is free again.
    free_at: Option<Instant>,
    /// Part of every ETag; `None`: there are none.
    tag: Option<String>,
    /// The only access key that may read; anybody without one.
    key: Option<String>,
}

struct Shared {
    folder: PathBuf,
    state: Mutex<State>,
    is_over: AtomicBool,
}

/// Serves until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Serves the files below a folder, on a free port of this machine.
    pub fn of(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Mutex::new(State { tag: Some("1".to_owned()), ..State::default() });
        let shared = Arc::new(Shared { folder: folder.to_owned(), state, is_over: AtomicBool::new(false) });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&serving);
                std::thread::spawn(move || {
                    // A client that has gone is no fault of the server.
                    let _ = Connection { shared: serving, stream }.run();
                });
            }
        });
        Self { address, shared }
    }

    /// The URL of a file: `url("a/b.h5")`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every answer begins so much later.
    pub fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// All bodies together come no faster.
    pub fn set_bytes_per_s(&self, bytes_per_s: f64) {
        self.state().bytes_per_s = Some(bytes_per_s);
    }

    /// The files are others from now on, to who asks for their ETags; `None`: there are no ETags.
    pub fn set_tag(&self, tag: Option<&str>) {
        self.state().tag = tag.map(str::to_owned);
    }

    /// Only who signs with this access key may read.
    pub fn set_key(&self, key: &str) {
        self.state().key = Some(key.to_owned());
    }

    /// The next so many answers to requests whose path contains `part` are wrong. Scripts are asked in the
    /// order they were given.
    pub fn go_wrong(&self, part: &str, wrong: Wrong, times: usize) {
        self.state().scripts.push(Script { part: part.to_owned(), wrong, left: times });
    }

    /// All answers are right from now on.
    pub fn be_right(&self) {
        self.state().scripts.clear();
    }

    /// What has happened so far.
    pub fn log(&self) -> Log {
        self.state().log.clone()
    }

    /// Forgets what has happened.
    pub fn clear_log(&self) {
        self.state().log = Log::default();
    }

    /// Requests so far.
    pub fn num_requests(&self) -> usize {
        self.state().log.requests.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes who waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The file of a path, percent codes undone; `None` where there is none, or the path leads away.
    fn file(&self, path: &str) -> Option<PathBuf> {
        let path = percent_decoded(path);
        if path.split('/').any(|part| part == "..") {
            return None;
        }
        let file = self.folder.join(path);
        file.is_file().then_some(file)
    }
}

struct Connection {
    shared: Arc<Shared>,
    stream: TcpStream,
}

/// Counts a request as under way until it is dropped.
struct UnderWay<'a>(&'a Shared);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.state().under_way -= 1;
    }
}

impl Connection {
    fn run(mut self) -> std::io::Result<()> {
        self.stream.set_nodelay(true)?;
        let mut reader = BufReader::new(self.stream.try_clone()?);
        while let Some(request) = read_request(&mut reader)? {
            if self.shared.is_over.load(Ordering::Relaxed) {
                break;
            }
            let shared = Arc::clone(&self.shared);
            let (wrong, latency) = {
                let mut state = shared.state();
                state.under_way += 1;
                state.log.max_under_way = state.log.max_under_way.max(state.under_way);
                state.log.requests.push(request.clone());
                let script =
                    state.scripts.iter_mut().find(|script| script.left > 0 && request.path.contains(&script.part));
                let wrong = script.map(|script| {
                    script.left -= 1;
                    script.wrong.clone()
                });
                (wrong, state.latency)
            };
            let _under_way = UnderWay(&shared);
            std::thread::sleep(latency);
            if !self.answer(&request, wrong)? {
                break;
            }
        }
        Ok(())
    }

    /// Answers one request; false where the connection is over with it.
    fn answer(&mut self, request: &Request, wrong: Option<Wrong>) -> std::io::Result<bool> {
        match &wrong {
            Some(Wrong::Status(status)) => return self.short(*status, "", b"something is wrong"),
            Some(Wrong::Busy(status, after)) => {
                return self.short(*status, &format!("Retry-After: {after}\r\n"), b"later");
            }
            Some(Wrong::Redirect(to)) => return self.short(302, &format!("Location: {to}\r\n"), b""),
            Some(Wrong::RedirectLoop) => {
                return self.short(302, &format!("Location: /{}\r\n", request.path), b"");
            }
            Some(Wrong::Gibberish) => {
                self.stream.write_all(b"\x00\x01 this is no HTTP at all\r\n\r\n")?;
                return Ok(false);
            }
            Some(Wrong::Silence) => {
                while !self.shared.is_over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                return Ok(false);
            }
            Some(Wrong::Slow(pause)) => std::thread::sleep(*pause),
            _ => {}
        }
        let key = self.shared.state().key.clone();
        let may_read = key.is_none_or(|key| {
            request.authorization.as_ref().is_some_and(|text| text.contains(&format!("Credential={key}/")))
        });
        if !may_read {
            return self.short(403, "", b"<Error><Code>AccessDenied</Code></Error>");
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if query.split('&').any(|part| part == "list-type=2") {
            let list = self.list(path, query);
            return self.short(200, "Content-Type: application/xml\r\n", list.as_bytes());
        }
        match self.shared.file(path) {
            Some(file) => self.file(request, &file, wrong),
            None => self.short(404, "", b"no such file"),
        }
    }

    fn short(&mut self, status: u16, headers: &str, body: &[u8]) -> std::io::Result<bool> {
        let head = format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        self.stream.write_all(head.as_bytes())?;
        self.stream.write_all(body)?;
        Ok(true)
    }

    fn file(&mut self, request: &Request, file: &Path, wrong: Option<Wrong>) -> std::io::Result<bool> {
        let mut open = std::fs::File::open(file)?;
        let len = open.metadata()?.len() as usize;
        let tag = self.shared.state().tag.clone().map(|tag| format!("\"{tag}-{len}\""));
        let tag_header = tag.as_ref().map(|tag| format!("ETag: {tag}\r\n")).unwrap_or_default();
        if tag.is_some() && request.if_none_match == tag {
            return self.short(304, &tag_header, b"");
        }
        let asked = request.range.as_deref().filter(|_| !matches!(wrong, Some(Wrong::Whole)));
        let range = asked.map(|text| parse_range(text, len));
        let (status, mut body, mut content_range) = match range {
            Some(None) => {
                return self.short(416, &format!("Content-Range: bytes */{len}\r\n"), b"");
            }
            Some(Some([first, last])) => {
                // Not all of a long file for each of its parts.
                open.seek(SeekFrom::Start(first as u64))?;
                (206, vec![0; last + 1 - first], format!("Content-Range: bytes {first}-{last}/{len}\r\n"))
            }
            None => (200, vec![0; len], String::new()),
        };
        open.read_exact(&mut body)?;
        match &wrong {
            Some(Wrong::TooLong(more)) => body.extend(std::iter::repeat_n(7, *more)),
            Some(Wrong::TooShort(less)) => body.truncate(body.len().saturating_sub(*less)),
            Some(Wrong::OtherRange) => {
                content_range = format!("Content-Range: bytes 1-{}/{len}\r\n", body.len());
            }
            _ => {}
        }
        let length = match &wrong {
            Some(Wrong::Endless) => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        let head = format!("HTTP/1.1 {status} Status\r\n{tag_header}{content_range}{length}\r\n");
        self.stream.write_all(head.as_bytes())?;
        if request.method == "HEAD" {
            return Ok(true);
        }
        match wrong {
            Some(Wrong::CutAfter(len)) => {
                self.send(&body[..len.min(body.len())])?;
                return Ok(false);
            }
            Some(Wrong::Trickle(pause)) => {
                for byte in body {
                    self.send(&[byte])?;
                    std::thread::sleep(pause);
                    if self.shared.is_over.load(Ordering::Relaxed) {
                        return Ok(false);
                    }
                }
            }
            Some(Wrong::Endless) => {
                while !self.shared.is_over.load(Ordering::Relaxed) {
                    self.send(&[7; 65536])?;
                }
                return Ok(false);
            }
            _ => self.send(&body)?,
        }
        Ok(true)
    }

    /// Sends as fast as the line is.
    fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        for part in bytes.chunks(64 << 10) {
            let free_at = {
                let mut state = self.shared.state();
                state.log.num_bytes += part.len() as u64;
                let rate = state.bytes_per_s;
                rate.map(|rate| {
                    let now = Instant::now();
                    let begin = state.free_at.map_or(now, |free| free.max(now));
                    let end = begin + Duration::from_secs_f64(part.len() as f64 / rate);
                    state.free_at = Some(end);
                    end
                })
            };
            if let Some(wait) = free_at.and_then(|at| at.checked_duration_since(Instant::now())) {
                std::thread::sleep(wait);
            }
            self.stream.write_all(part)?;
        }
        Ok(())
    }

    /// What lies below a prefix of a bucket, folders told apart by the delimiter.
    fn list(&self, bucket: &str, query: &str) -> String {
        let value = |name: &str| {
            let found = query.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")));
            percent_decoded(found.unwrap_or_default())
        };
        let (prefix, delimiter) = (value("prefix"), value("delimiter"));
        let root = self.shared.folder.join(bucket.trim_end_matches('/'));
        let (mut files, mut folders) = (Vec::new(), BTreeSet::new());
        for (key, num_bytes) in keys_below(&root, "") {
            let Some(rest) = key.strip_prefix(&prefix) else { continue };
            match rest.split_once('/').filter(|_| !delimiter.is_empty()) {
                Some((folder, _)) => _ = folders.insert(format!("{prefix}{folder}/")),
                None => files.push((key, num_bytes)),
            }
        }
        let files: String = files
            .iter()
            .map(|(key, num_bytes)| {
                format!("<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>\"1\"</ETag><Size>{num_bytes}</Size></Contents>")
            })
            .collect();
        let folders: String = folders
            .iter()
            .map(|prefix| format!("<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>"))
            .collect();
        format!(
            "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated>{files}{folders}</ListBucketResult>"
        )
    }
}

fn keys_below(folder: &Path, prefix: &str) -> Vec<(String, u64)> {
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.path().is_dir() {
            true => keys.extend(keys_below(&entry.path(), &format!("{name}/"))),
            false => keys.push((name, entry.metadata().map_or(0, |metadata| metadata.len()))),
        }
    }
    keys.sort();
    keys
}

/// First and last byte of `bytes=3-8`, cut at the end of the file; `None` where it lies beyond.
fn parse_range(text: &str, num_bytes: usize) -> Option<[usize; 2]> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let last = last.parse().unwrap_or(usize::MAX).min(num_bytes.checked_sub(1)?);
    (first <= last).then_some([first, last])
}

/// The next request of a connection; `None` where the client has closed it.
fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Request {
        method: method.to_owned(),
        path: path.trim_start_matches('/').to_owned(),
        range: None,
        if_none_match: None,
        authorization: None,
    };
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(Some(request)) };
        let value = Some(value.trim().to_owned());
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = value,
            "if-none-match" => request.if_none_match = value,
            "authorization" => request.authorization = value,
            _ => {}
        }
    }
}
