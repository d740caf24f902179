//! A small S3 server in memory that takes objects, whole and in parts, as faultily as a test wants it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tectum::volume::percent_decoded;

/// How some requests go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answered by 500, and nothing done.
    Ill,
    /// Answered by 503 and a wish to be left alone for a second.
    Busy,
    /// The connection is closed before the body was read.
    Cut,
    /// All is done as it was asked for, and the connection is closed without an answer.
    Silent,
    /// A pause.
    Slow,
    /// Answered by 403.
    Refused,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, BTreeMap<usize, Vec<u8>>>,
    num_requests: usize,
    /// Requests by what they are: "PUT", "PUT part", …
    counts: BTreeMap<&'static str, usize>,
    fault: Option<(usize, Fault)>,
    under_way: usize,
    max_under_way: usize,
}

/// Serves until it is dropped.
pub struct BucketServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    is_over: Arc<AtomicBool>,
}

impl BucketServer {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (state, is_over) = (Arc::new(Mutex::new(State::default())), Arc::new(AtomicBool::new(false)));
        let (serving, until) = (Arc::clone(&state), Arc::clone(&is_over));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if until.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&serving);
                std::thread::spawn(move || serve(&serving, stream));
            }
        });
        Self { address, state, is_over }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// One of about so many requests goes wrong from now on.
    pub fn go_wrong(&self, every: usize, fault: Fault) {
        self.state().fault = Some((every, fault));
    }

    /// The objects below `bucket/prefix/`.
    pub fn objects(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let below = state.objects.iter().filter_map(|(key, bytes)| Some((key.strip_prefix(prefix)?, bytes)));
        below.map(|(key, bytes)| (key.to_owned(), bytes.clone())).collect()
    }

    pub fn put(&self, key: &str, bytes: &[u8]) {
        self.state().objects.insert(key.to_owned(), bytes.to_vec());
    }

    pub fn remove(&self, key: &str) {
        self.state().objects.remove(key);
    }

    /// How many requests of a kind came.
    pub fn count(&self, kind: &str) -> usize {
        self.state().counts.get(kind).copied().unwrap_or(0)
    }

    pub fn max_under_way(&self) -> usize {
        self.state().max_under_way
    }

    /// Uploads that were begun, and neither completed nor given up.
    pub fn num_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for BucketServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

struct Request {
    method: String,
    key: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
}

fn serve(state: &Mutex<State>, stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    stream.set_nodelay(true).unwrap();
    // A client that has gone is no fault of the server.
    while let Ok(Some(request)) = head(&mut reader) {
        let fault = {
            let mut state = state.lock().unwrap();
            state.num_requests += 1;
            state.under_way += 1;
            state.max_under_way = state.max_under_way.max(state.under_way);
            let num = state.num_requests;
            // Here and there: who asks three times for each thing would else fail for ever at the third.
            let dice = (num as u32).wrapping_mul(2_654_435_761) >> 9;
            state.fault.filter(|(every, _)| (dice as usize).is_multiple_of(*every)).map(|(_, fault)| fault)
        };
        let is_kept = one(state, &mut reader, &mut stream, &request, fault).unwrap_or(false);
        state.lock().unwrap().under_way -= 1;
        if !is_kept {
            return;
        }
    }
}

/// Serves one request; false where the connection is over with it.
fn one(
    state: &Mutex<State>,
    reader: &mut BufReader<TcpStream>,
    stream: &mut TcpStream,
    request: &Request,
    fault: Option<Fault>,
) -> std::io::Result<bool> {
    if fault == Some(Fault::Cut) {
        return Ok(false);
    }
    let len = request.headers.get("content-length").map_or(0, |len| len.parse().unwrap());
    let mut body = vec![0; len];
    reader.read_exact(&mut body)?;
    match fault {
        Some(Fault::Ill) => return answer(stream, request, 500, "", b"ill"),
        Some(Fault::Busy) => return answer(stream, request, 503, "Retry-After: 1\r\n", b"later"),
        Some(Fault::Refused) => return answer(stream, request, 403, "", b"<Error><Code>AccessDenied</Code></Error>"),
        Some(Fault::Slow) => std::thread::sleep(Duration::from_millis(300)),
        _ => {}
    }
    let (status, headers, bytes) = done(&mut state.lock().unwrap(), request, body);
    if fault == Some(Fault::Silent) {
        return Ok(false);
    }
    answer(stream, request, status, &headers, &bytes)
}

fn done(state: &mut State, request: &Request, body: Vec<u8>) -> (u16, String, Vec<u8>) {
    let upload = request.query.get("uploadId").cloned();
    let tag = |bytes: &[u8]| format!("ETag: \"{:08x}\"\r\n", tectum::codec::crc32c::checksum(bytes));
    let kind = match (request.method.as_str(), &upload) {
        ("PUT", Some(_)) => "PUT part",
        ("PUT", None) => "PUT",
        ("POST", _) if request.query.contains_key("delete") => "DELETE",
        ("POST", Some(_)) => "complete",
        ("POST", None) => "begin",
        ("DELETE", Some(_)) => "abort",
        ("DELETE", None) => "DELETE",
        _ => "GET",
    };
    *state.counts.entry(kind).or_insert(0) += 1;
    match (kind, upload) {
        ("PUT part", Some(id)) => {
            let Some(parts) = state.uploads.get_mut(&id) else { return (404, String::new(), b"NoSuchUpload".to_vec()) };
            let headers = tag(&body);
            parts.insert(request.query["partNumber"].parse().unwrap(), body);
            (200, headers, Vec::new())
        }
        ("complete", Some(id)) => {
            let Some(parts) = state.uploads.remove(&id) else { return (404, String::new(), b"NoSuchUpload".to_vec()) };
            let num = String::from_utf8(body).unwrap().matches("<PartNumber>").count();
            assert_eq!(num, parts.len(), "all parts are named");
            assert!(parts.keys().copied().eq(1..=num), "parts are counted from 1");
            assert!(parts.values().rev().skip(1).all(|part| part.len() >= 5 << 20), "no part is too small");
            state.objects.insert(request.key.clone(), parts.into_values().flatten().collect());
            let text = "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>";
            (200, String::new(), text.into())
        }
        ("abort", Some(id)) => {
            state.uploads.remove(&id);
            (204, String::new(), Vec::new())
        }
        ("begin", _) => {
            let id = format!("upload-{}", state.num_requests);
            state.uploads.insert(id.clone(), BTreeMap::new());
            let text =
                format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
            (200, String::new(), text.into())
        }
        ("PUT", _) => {
            let headers = tag(&body);
            state.objects.insert(request.key.clone(), body);
            (200, headers, Vec::new())
        }
        ("DELETE", _) => {
            // Objects are taken away by a list of their keys.
            let text = String::from_utf8(body).unwrap();
            let keys = text.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap());
            let mut gone = String::new();
            for key in keys {
                state.objects.remove(&format!("{}/{key}", request.key.trim_end_matches('/')));
                gone += &format!("<Deleted><Key>{key}</Key></Deleted>");
            }
            (200, String::new(), format!("<DeleteResult>{gone}</DeleteResult>").into())
        }
        _ if request.query.contains_key("list-type") => (200, String::new(), list(state, request).into_bytes()),
        _ => match state.objects.get(&request.key) {
            None => (404, String::new(), b"no such object".to_vec()),
            Some(bytes) => {
                let modified = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n";
                let range = request.headers.get("range").and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
                let Some((first, last)) = range else { return (200, tag(bytes) + modified, bytes.clone()) };
                let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
                let last = last.min(bytes.len() - 1);
                let range = format!("Content-Range: bytes {first}-{last}/{}\r\n", bytes.len());
                (206, tag(bytes) + modified + &range, bytes[first..=last].to_vec())
            }
        },
    }
}

/// Two keys at a time, so that lists have several pages.
fn list(state: &State, request: &Request) -> String {
    let value = |name: &str| request.query.get(name).cloned().unwrap_or_default();
    let prefix = format!("{}/{}", request.key.trim_end_matches('/'), value("prefix"));
    let delimiter = value("delimiter");
    let bucket = request.key.trim_end_matches('/').len() + 1;
    let mut folders = std::collections::BTreeSet::new();
    let keys: Vec<(&String, usize)> = state
        .objects
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix) && **key > value("continuation-token"))
        .filter(|(key, _)| match key[prefix.len()..].split_once('/').filter(|_| !delimiter.is_empty()) {
            Some((folder, _)) => {
                folders.insert(format!("{}{folder}/", value("prefix")));
                false
            }
            None => true,
        })
        .map(|(key, bytes)| (key, bytes.len()))
        .collect();
    let is_cut = keys.len() > 2 && delimiter.is_empty();
    let shown = if is_cut { &keys[..2] } else { &keys[..] };
    let objects: String = shown
        .iter()
        .map(|(key, len)| {
            format!("<Contents><Key>{}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>\"1\"</ETag><Size>{len}</Size></Contents>", &key[bucket..])
        })
        .collect();
    let folders: String =
        folders.iter().map(|folder| format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>")).collect();
    let token =
        shown.last().filter(|_| is_cut).map(|(key, _)| format!("<NextContinuationToken>{key}</NextContinuationToken>"));
    format!(
        "<ListBucketResult><IsTruncated>{is_cut}</IsTruncated>{}{objects}{folders}</ListBucketResult>",
        token.unwrap_or_default()
    )
}

fn answer(stream: &mut TcpStream, request: &Request, status: u16, headers: &str, body: &[u8]) -> std::io::Result<bool> {
    // In one piece: small ones wait for each other's receipt.
    let mut bytes = format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    if request.method != "HEAD" {
        bytes.extend_from_slice(body);
    }
    stream.write_all(&bytes)?;
    Ok(true)
}

fn head(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (!name.is_empty()).then(|| (percent_decoded(name), percent_decoded(value)))
    });
    let mut request = Request {
        method,
        key: percent_decoded(path.trim_start_matches('/')),
        query: query.collect(),
        headers: BTreeMap::new(),
    };
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(Some(request)) };
        request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}
