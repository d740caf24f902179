//! Which failures may pass: an engine that starts a task again needs to know whether that can help.

use std::fmt;
use std::io::{self, ErrorKind};

use crate::format::{ReadError, ReadErrorKind};
use crate::sweep::CutError;
use crate::write::Refused;

/// The exit code of a fault of disk or network that may pass.
pub const PASSING: u8 = 104;

/// Says of an error that it may pass, whatever caused it.
#[derive(Debug)]
pub struct Passing(pub String);

impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Passing {}

/// The exit code of an error: [`PASSING`] where trying again may help, 1 otherwise.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let passes = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<Passing>().is_some()
            || cause.downcast_ref::<io::Error>().is_some_and(may_pass)
            || cause.downcast_ref::<ReadError>().is_some_and(|error| error.kind == ReadErrorKind::Io)
            || cause.downcast_ref::<Refused>().is_some_and(|refused| refused.error.kind == ReadErrorKind::Io)
            || matches!(cause.downcast_ref::<CutError>(), Some(CutError::Passing(_)))
    };
    if error.chain().any(passes) { PASSING } else { 1 }
}

/// Whether a call that failed like this may succeed a while later. A full disk is not among them: what fills it stays.
fn may_pass(error: &io::Error) -> bool {
    use ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown, NetworkUnreachable,
        NotConnected, ResourceBusy, StaleNetworkFileHandle, TimedOut, WouldBlock,
    };
    #[cfg(unix)]
    let is_io = error.raw_os_error() == Some(libc::EIO);
    #[cfg(not(unix))]
    let is_io = false;
    let of_network = matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | HostUnreachable | NetworkDown | NetworkUnreachable
    );
    is_io
        || of_network
        || matches!(error.kind(), NotConnected | ResourceBusy | StaleNetworkFileHandle | TimedOut | WouldBlock)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let of = |kind: ErrorKind| anyhow::Error::new(io::Error::from(kind)).context("/data/0001.h5: cannot read");
        for kind in [ErrorKind::TimedOut, ErrorKind::StaleNetworkFileHandle, ErrorKind::ConnectionReset] {
            assert_eq!(exit_code(&of(kind)), 104, "{kind}");
        }
        for kind in [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::StorageFull] {
            assert_eq!(exit_code(&of(kind)), 1, "{kind}");
        }
        let read = |kind| ReadError::new(kind, "/data/0001.h5", "why");
        assert_eq!(exit_code(&CutError::Passing(read(ReadErrorKind::Io)).into()), 104);
        assert_eq!(exit_code(&read(ReadErrorKind::Corrupt).into()), 1);
        let passing: anyhow::Result<()> = Err(Passing("busy".into()).into());
        assert_eq!(exit_code(&passing.context("/out").unwrap_err()), 104);
    }
}
