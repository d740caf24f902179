//! Who may be asked: the host that the user named, the hosts that the user allowed, and from there only hosts of
//! the public network. A file never makes this program ask around in the network that it runs in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::super::{FormatError, OpenOptions};
use super::fault::Fault;
use crate::volume::Location;

/// Whether what lies at `from` may refer to `to`: from a file of this machine to anything, from the network to
/// the same host and to those that the user allowed, and never from the network to this machine. Without IO.
///
/// # Errors
/// The reference is refused; the message names the host and what allows it.
pub fn may_follow(from: &Location, to: &Location, options: &OpenOptions) -> Result<(), FormatError> {
    let refused = |why: String| Err(FormatError::new(from, why));
    let Some(from_host) = from.host() else { return Ok(()) };
    let Some(host) = to.host() else {
        return refused(format!("refers to {to}, a file of this machine; a file from the network may not"));
    };
    let is_bucket = |location: &Location| location.scheme().is_some_and(|scheme| !scheme.starts_with("http"));
    let is_same = host.eq_ignore_ascii_case(from_host) && is_bucket(from) == is_bucket(to);
    if is_same || options.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    refused(format!("refers to {to}, on another host; if it may be asked, allow it by --allow-host {host}"))
}

/// Hosts that may lie anywhere, this machine and its own network included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted(Vec<String>);

impl Trusted {
    /// The host of what is opened, those that were allowed, and the proxies of the system, which ask for us.
    pub fn new(host: &str, options: &OpenOptions) -> Self {
        let mut hosts = vec![host.to_ascii_lowercase()];
        hosts.extend(options.allowed_hosts.iter().map(|host| host.to_ascii_lowercase()));
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            for proxy in [name.to_owned(), name.to_ascii_uppercase()].iter().filter_map(|name| std::env::var(name).ok())
            {
                let proxy = if proxy.contains("://") { proxy } else { format!("http://{proxy}") };
                hosts.extend(Location::parse(&proxy).host().map(str::to_ascii_lowercase));
            }
        }
        hosts.sort_unstable();
        hosts.dedup();
        Self(hosts)
    }

    fn holds(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']);
        self.0.iter().any(|trusted| trusted.eq_ignore_ascii_case(host))
    }

    /// Why a host given by its address may not be asked; `None` where it may, or is a name that is yet to be
    /// looked up.
    pub fn refusal(&self, host: &str) -> Option<Fault> {
        let address: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
        (is_private(address) && !self.holds(host)).then(|| refusal(host))
    }
}

fn refusal(host: &str) -> Fault {
    Fault::lasting(format!(
        "leads to {host}, which lies in the local network; if it may be asked, allow it by --allow-host {host}"
    ))
}

/// Looks up names, and gives no address of the local network to a host that is not trusted, whatever a name
/// server says.
pub struct Guard {
    trusted: Trusted,
}

impl Guard {
    pub fn new(trusted: Trusted) -> Self {
        Self { trusted }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, is_trusted) = (name.as_str().to_owned(), self.trusted.holds(name.as_str()));
        Box::pin(async move {
            let looked_up = host.clone();
            let found = tokio::task::spawn_blocking(move || (looked_up.as_str(), 0).to_socket_addrs()).await;
            let mut found: Vec<SocketAddr> = found??.collect();
            if !is_trusted && !found.is_empty() {
                found.retain(|address| !is_private(address.ip()));
                if found.is_empty() {
                    return Err(refusal(&host).into());
                }
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is not one of the public network.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || [a, b, c] == [192, 0, 0]
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Addresses of the older kind in disguise: mapped, translated by a gateway, 6to4.
    let segments = address.segments();
    let inner = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    let disguised = match segments {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] if high != 0 || low > 1 => Some(inner(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(inner(high, low)),
        [0x2002, high, low, ..] => Some(inner(high, low)),
        _ => None,
    };
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || first & 0xffc0 == 0xfec0
        || (first == 0x64 && second == 0xff9b && segments[2] == 1)
        || disguised.is_some_and(is_private_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_from_the_network_leads_only_where_the_user_said() {
        let options = OpenOptions { allowed_hosts: vec!["Data.Example".to_owned()], ..OpenOptions::default() };
        let at = Location::parse;
        for (from, to) in [
            ("/data/a.json", "https://host/a"),
            ("/data/a.json", "http://127.0.0.1/a"),
            ("/data/a.json", "/etc/a"),
            ("https://host/a.json", "https://HOST/b"),
            ("https://host:1/a.json", "https://host:2/b"),
            ("https://host/a.json", "https://data.example/b"),
            ("s3://bucket/a.json", "s3://bucket/b"),
        ] {
            assert!(may_follow(&at(from), &at(to), &options).is_ok(), "{from} → {to}");
        }
        for (from, to, word) in [
            ("https://host/a.json", "https://other/b", "--allow-host other"),
            ("https://host/a.json", "https://host.other/b", "--allow-host host.other"),
            ("https://host/a.json", "https://host@other/b", "--allow-host other"),
            ("https://host/a.json", "http://127.0.0.1:8000/b?key=word", "--allow-host 127.0.0.1"),
            ("https://host/a.json", "http://[::1]/b", "--allow-host ::1"),
            ("https://host/a.json", "s3://host/b", "--allow-host host"),
            ("https://host/a.json", "/etc/passwd", "a file of this machine"),
            ("https://host/a.json", "file:///etc/passwd", "a file of this machine"),
        ] {
            let error = may_follow(&at(from), &at(to), &options).unwrap_err();
            assert!(error.message.contains(word) && !error.message.contains("key=word"), "{error}");
        }
    }

    #[test]
    fn addresses_of_the_local_network_are_known_in_every_disguise() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "ff02::1",
        ] {
            assert!(is_private(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "172.32.0.1", "193.168.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::"] {
            assert!(!is_private(address.parse().unwrap()), "{address}");
        }
        let trusted = Trusted::new("10.0.0.5", &OpenOptions::default());
        assert!(trusted.refusal("10.0.0.5").is_none() && trusted.refusal("10.0.0.6").is_some());
        assert!(trusted.refusal("[::1]").is_some() && trusted.refusal("example.org").is_none());
    }
}
