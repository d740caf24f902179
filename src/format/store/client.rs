//! The HTTP client under every store of the network: who may be asked, how much of an answer is taken, what is
//! under way.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use parking_lot::Mutex;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, HeaderValue, RANGE, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use tokio::sync::Semaphore;

use super::fault::Fault;
use super::hosts::{Guard, Trusted};
use super::traffic::UnderWay;

/// Requests under way to one host at any time.
const MAX_REQUESTS: usize = 32;

/// Longest chain of redirects.
const MAX_REDIRECTS: usize = 10;

/// Most bytes of an answer for which no limit was said: lists and tokens.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);

/// Longest silence in the middle of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest time that a body is sent before there is any answer.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(180);

/// Most bytes of the body that a request wants; travels with it.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub u64);

/// Makes the clients of the stores.
#[derive(Clone, Debug)]
pub struct Connector {
    service: Service,
}

impl Connector {
    /// One for a host. Clients are shared by all stores that trust the same hosts, and so are connections.
    pub fn new(host: &str, trusted: Trusted) -> Result<Self, Fault> {
        Self::waiting(host, trusted, READ_TIMEOUT)
    }

    /// One that sends large bodies over slow lines, and hears nothing meanwhile.
    pub fn sending(host: &str, trusted: Trusted) -> Result<Self, Fault> {
        Self::waiting(host, trusted, SEND_TIMEOUT)
    }

    fn waiting(host: &str, trusted: Trusted, silence: Duration) -> Result<Self, Fault> {
        static CLIENTS: Mutex<Vec<(Trusted, Duration, reqwest::Client)>> = Mutex::new(Vec::new());
        static SLOTS: Mutex<Option<HashMap<String, Arc<Semaphore>>>> = Mutex::new(None);
        let mut slots = SLOTS.lock();
        let of_host = slots.get_or_insert_default().entry(host.to_ascii_lowercase());
        let slots = Arc::clone(of_host.or_insert_with(|| Arc::new(Semaphore::new(MAX_REQUESTS))));
        let mut clients = CLIENTS.lock();
        if let Some((_, _, client)) = clients.iter().find(|(of, longest, _)| *of == trusted && *longest == silence) {
            return Ok(Self { service: Service { client: client.clone(), slots } });
        }
        let client = new_client(&trusted, silence)?;
        clients.push((trusted, silence, client.clone()));
        Ok(Self { service: Service { client, slots } })
    }
}

/// Everything that encrypts in this process does it by one implementation, named before the first client is made.
pub fn prepare() {
    // It may be there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn new_client(trusted: &Trusted, silence: Duration) -> Result<reqwest::Client, Fault> {
    prepare();
    let redirected = trusted.clone();
    let follow = move |attempt: Attempt<'_>| {
        if attempt.previous().len() > MAX_REDIRECTS {
            return attempt.error(Fault::lasting("the server sends from one place to the next without end"));
        }
        match redirected.refusal(attempt.url().host_str().unwrap_or_default()) {
            Some(refusal) => attempt.error(refusal),
            None => attempt.follow(),
        }
    };
    let builder = reqwest::Client::builder()
        .user_agent(concat!("tectum/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(silence)
        .pool_max_idle_per_host(MAX_REQUESTS)
        .http2_adaptive_window(true)
        .referer(false)
        .redirect(Policy::custom(follow))
        .dns_resolver(Guard::new(trusted.clone()));
    let failed = |words: String| Fault::lasting(format!("no client for the network: {words}"));
    builder.build().map_err(|error| Fault::inside(&error).unwrap_or_else(failed))
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.service.clone()))
    }
}

#[derive(Clone, Debug)]
struct Service {
    client: reqwest::Client,
    slots: Arc<Semaphore>,
}

impl HttpService for Service {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(
            async move { self.answer(request).await.map_err(|fault| HttpError::new(HttpErrorKind::Unknown, fault)) },
        )
    }
}

impl Service {
    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, Fault> {
        // A closed gate is never met: nobody closes it.
        let _slot = self.slots.acquire().await;
        let under_way = UnderWay::begin();
        let (parts, body) = request.into_parts();
        let limit = parts.extensions.get::<Limit>().map_or(MAX_ANSWER_BYTES, |limit| limit.0);
        let was_range = parts.headers.contains_key(RANGE);
        let mut request = self.client.request(parts.method, parts.uri.to_string()).headers(parts.headers);
        if body.content_length() > 0 {
            request = request.body(reqwest::Body::wrap(body));
        }
        let mut response = request.send().await.map_err(|error| fault_of(&error))?;
        let after = retry_after(response.headers());
        if let Some(fault) = Fault::of_status(response.status().as_u16(), was_range, after) {
            return Err(fault);
        }
        let announced = response.content_length();
        if let Some(announced) = announced.filter(|&announced| announced > limit) {
            return Err(too_long(announced, limit, was_range));
        }
        let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(MAX_ANSWER_BYTES) as usize);
        while let Some(part) = response.chunk().await.map_err(|error| fault_of(&error))? {
            under_way.came(part.len());
            if (bytes.len() + part.len()) as u64 > limit {
                return Err(too_long((bytes.len() + part.len()) as u64, limit, was_range));
            }
            bytes.extend_from_slice(&part);
        }
        let num_bytes = bytes.len();
        if let Some(promised) = promised_range(response.headers()).filter(|&promised| promised != num_bytes as u64) {
            return Err(Fault::wrong_length(num_bytes as u64, promised));
        }
        let (status, mut headers) = (response.status(), response.headers().clone());
        // A length that was not told beforehand is known now.
        headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(num_bytes));
        let mut answer = HttpResponse::new(bytes.into());
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

fn too_long(num_bytes: u64, limit: u64, was_range: bool) -> Fault {
    match was_range {
        true => Fault::wrong_length(num_bytes, limit),
        false => Fault::lasting(format!("has {num_bytes} bytes or more; at most {limit} are read of it")),
    }
}

/// Bytes that a `Content-Range: bytes 5-9/20` says are in the answer.
fn promised_range(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (first, last) = text.trim().strip_prefix("bytes ")?.split_once('/')?.0.split_once('-')?;
    let (first, last) = (first.trim().parse::<u64>().ok()?, last.trim().parse::<u64>().ok()?);
    last.checked_sub(first)?.checked_add(1)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What the client says of a request that failed, without the URL.
fn fault_of(error: &reqwest::Error) -> Fault {
    let words = match Fault::inside(error) {
        Ok(fault) => return fault,
        Err(words) => words,
    };
    match () {
        () if error.is_timeout() => Fault::no_answer(),
        () if error.is_connect() => Fault::passing(format!("the server cannot be reached: {words}")),
        () if error.is_builder() => Fault::lasting("is no URL that can be asked for"),
        () if error.is_redirect() => Fault::lasting(format!("the server sends elsewhere: {words}")),
        () => Fault::passing(format!("the connection was lost: {words}")),
    }
}
