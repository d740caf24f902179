//! Arrays that operations name beside the recording: opened on a thread of their own, once, and kept as long as the
//! session, so that what is computed with them is made anew without asking a disk.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use crate::app::wake::WakeFn;
use crate::array::delayed::{Operand, Operations, Step as Operation, open_operand};
use crate::format::{Cancel, FormatError, OpenOptions, Source};
use crate::ui::{Command, Step};

/// Arrays by the names they have in expressions.
pub type Named = HashMap<String, Arc<dyn Source>>;

/// Those of a session.
#[derive(Default)]
pub struct Others {
    opened: Named,
    /// Why those that were opened last are not there.
    failed: HashMap<String, FormatError>,
    opening: Vec<Opening>,
}

/// One of them, or why it is not there.
type OpenedOne = Result<Arc<dyn Source>, FormatError>;

/// Some of them on their way.
struct Opening {
    names: Vec<String>,
    asked: Option<Asked>,
    cancel: Cancel,
    result: Receiver<Vec<(String, OpenedOne)>>,
}

/// What is carried out once they are there, if nobody has asked for something else by then.
pub struct Asked {
    /// It.
    pub command: Command,
    /// Of which layer, by its position.
    pub layer: usize,
    /// What is computed of that until then.
    pub steps: Vec<Step>,
}

/// What an opening has come to.
pub struct Arrived {
    /// What was waiting for it.
    pub asked: Option<Asked>,
    /// Why one of them is not there.
    pub fault: Option<String>,
}

impl Others {
    /// Those that steps name and that are there.
    pub fn named_by(&self, texts: &[String]) -> Named {
        let opened =
            |name: String| self.opened.get_key_value(&name).map(|(name, source)| (name.clone(), Arc::clone(source)));
        names_in(texts).into_iter().filter_map(opened).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn source(&self, name: &str) -> OpenedOne {
        let failed = || self.failed.get(name).cloned().unwrap_or_else(|| FormatError::new(name, "is not open yet"));
        self.opened.get(name).cloned().ok_or_else(failed)
    }

    /// Which of the arrays that these steps name are not there, and whether those that could not be opened are asked
    /// for `again`.
    pub fn lacking(&self, texts: &[String], again: bool) -> Vec<String> {
        let is_lacking = |name: &String| !self.opened.contains_key(name) && (again || !self.failed.contains_key(name));
        names_in(texts).into_iter().filter(is_lacking).collect()
    }

    /// Name of the first that is being opened.
    pub fn awaited(&self) -> Option<&str> {
        self.opening.first()?.names.first().map(String::as_str)
    }

    /// Opens some, unless that goes on already. Whoever waited for others does not any more where somebody waits for
    /// these.
    pub fn open(
        &mut self,
        mut names: Vec<String>,
        asked: Option<Asked>,
        (options, max_bytes): (&OpenOptions, u64),
        wake: &WakeFn,
    ) {
        match asked {
            Some(_) => self.let_go(),
            None => names.retain(|name| !self.opening.iter().any(|opening| opening.names.contains(name))),
        }
        if names.is_empty() {
            return;
        }
        let cancel = Cancel::new();
        let options = OpenOptions { cancel: cancel.clone(), ..options.standing() };
        let (sender, result) = bounded(1);
        let (wanted, wake) = (names.clone(), Arc::clone(wake));
        let run = move || {
            let open = |name: String| {
                let source = open_one(&name, &options, max_bytes);
                (name, source)
            };
            // The session may be closed.
            let _unwanted = sender.send(wanted.into_iter().map(open).collect());
            wake();
        };
        if let Err(error) = std::thread::Builder::new().name("tectum-array".into()).spawn(run) {
            tracing::error!("no thread to open {}: {error}", names.join(", "));
        }
        self.opening.push(Opening { names, asked, cancel, result });
    }

    /// Nobody waits for what is being opened.
    pub fn let_go(&mut self) {
        self.opening.retain(|opening| opening.asked.is_none());
    }

    /// Takes in what has been opened, one opening a call.
    pub fn collect(&mut self) -> Option<Arrived> {
        let arrived = |opening: &Opening| match opening.result.try_recv() {
            Ok(all) => Some(all),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                let fault = |name: &String| (name.clone(), Err(FormatError::new(name.as_str(), "was not opened")));
                Some(opening.names.iter().map(fault).collect())
            }
        };
        let (at, all) = self.opening.iter().enumerate().find_map(|(at, opening)| Some((at, arrived(opening)?)))?;
        let mut opening = self.opening.remove(at);
        let mut fault = None;
        for (name, outcome) in all {
            match outcome {
                Ok(source) => {
                    self.failed.remove(&name);
                    self.opened.insert(name, source);
                }
                Err(error) => {
                    fault = fault.or_else(|| Some(error.to_string()));
                    self.failed.insert(name, error);
                }
            }
        }
        Some(Arrived { asked: opening.asked.take(), fault })
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Opens one. What is held as a whole is no larger than what is set aside for data.
fn open_one(name: &str, options: &OpenOptions, max_bytes: u64) -> OpenedOne {
    let path = Path::new(name);
    let is_held = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"));
    let num_bytes = path.metadata().map_or(0, |data| data.len());
    if is_held && num_bytes > max_bytes {
        let [num_bytes, max_bytes] = [num_bytes, max_bytes].map(crate::ui::format::size);
        return Err(FormatError::new(
            name,
            format!("takes {num_bytes} of memory, and {max_bytes} are set aside; keep it as HDF5 or OME-Zarr"),
        ));
    }
    open_operand(name, options)
}

/// The arrays that steps name, each once.
fn names_in(texts: &[String]) -> Vec<String> {
    let steps = texts.iter().filter_map(|text| text.parse::<Operations>().ok()).flat_map(|parsed| parsed.steps);
    let mut found = Vec::new();
    for step in steps {
        let names = match step {
            Operation::Binary { operand: Operand::Array(name, _), .. } => vec![name],
            Operation::Concatenate { names, .. } => names,
            _ => Vec::new(),
        };
        names.into_iter().for_each(|name| match found.contains(&name) {
            true => {}
            false => found.push(name),
        });
    }
    found
}
