//! What the program remembers from one run to the next, in the user's own folder and nowhere else: how
//! the window looks, how each recording was looked at, what the user said about it. Nothing is ever
//! written beside a recording.

mod choice;
mod files;
mod given;
mod lenient;
mod window_place;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use directories::ProjectDirs;
use serde::Serialize;
use serde_json::{Map, Value};

pub use given::Given;
pub use window_place::WindowPlace;

use self::files::Files;
pub(super) use self::lenient::lenient;
use self::lenient::todays;
use super::profiles::Profiles;
use crate::array::ViewInfo;
use crate::format::array_key;
use crate::sweep::forget_results;
use crate::ui::{KeptPreferences, KeptView, ViewState};
use crate::volume::Location;

/// Recordings whose view is remembered, the latest.
const MAX_RECORDINGS: usize = 300;

/// The memory of one user. Cheap to clone; all share one writer.
#[derive(Clone)]
pub struct Memory {
    files: Option<Arc<Files>>,
    /// Where what was measured of recordings is kept.
    results: Option<PathBuf>,
}

/// What is remembered of one recording, for the session that shows it.
#[derive(Clone)]
pub struct Recall {
    /// Which recording it is; `None` where nothing is to be remembered.
    pub identity: Option<String>,
    /// What the user said about it.
    pub given: Given,
    /// Where the view is kept.
    pub memory: Memory,
}

impl Recall {
    /// Nothing is remembered.
    pub fn nothing() -> Self {
        Self { identity: None, given: Given::default(), memory: Memory::none() }
    }

    /// The view as it was left, within what there is; `fresh` if it was never seen.
    pub fn view(&self, fresh: ViewState, info: &ViewInfo) -> ViewState {
        let left = self.identity.as_ref().and_then(|identity| self.memory.view(identity, &fresh));
        match left {
            Some(left) => fresh.recalled(left, info),
            None => fresh,
        }
    }
}

/// What outlives a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preferences {
    /// Theme, colormap and whatever else of a view is kept for every recording.
    pub view: ViewState,
    /// Where the window lay.
    pub window: Option<WindowPlace>,
    /// The limits of quality.
    pub profiles: Profiles,
}

impl Memory {
    /// A memory that keeps nothing, for tests and pictures.
    pub fn none() -> Self {
        Self { files: None, results: None }
    }

    /// A memory in a folder, made when there is something to keep.
    pub fn in_folder(folder: &Path) -> Self {
        let results = Some(folder.join("quality"));
        Self { files: Some(Arc::new(Files::new(folder.to_owned()))), results }
    }

    /// The memory of the user who runs the program; none where the system names no folder for it.
    pub fn of_user() -> Self {
        ProjectDirs::from("", "", "tectum").map_or_else(Self::none, |dirs| {
            // What can be measured again lies where systems and backups expect such things.
            let results = Some(dirs.cache_dir().join("quality"));
            Self { results, ..Self::in_folder(dirs.config_dir()) }
        })
    }

    /// The folder in which what was measured of recordings is kept, made when there is something to keep.
    pub fn results_folder(&self) -> Option<&Path> {
        self.results.as_deref()
    }

    /// The preferences. An absent or damaged file is no preference.
    pub fn preferences(&self) -> Preferences {
        let value = self.read("settings.json").unwrap_or_default();
        let view = lenient(&KeptPreferences::default(), value.get("view")).into();
        let window = value.get("window").and_then(|value| serde_json::from_value(value.clone()).ok());
        let profiles = Profiles::from_json(value.get("quality"));
        Preferences { view, window: window.filter(WindowPlace::is_sane), profiles }
    }

    /// Keeps the preferences.
    pub fn keep_preferences(&self, preferences: &Preferences) {
        let view = object(&preferences.view.preferences());
        let quality = preferences.profiles.to_json();
        let settings = serde_json::json!({ "view": view, "window": preferences.window, "quality": quality });
        self.write("settings.json", &settings);
    }

    /// What was opened before, newest first.
    pub fn recent(&self) -> Vec<Location> {
        self.read("recent.json").and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }

    /// Keeps it. A path that is no text would come back as another one, and is left out.
    pub fn keep_recent(&self, locations: &[Location]) {
        let is_text = |location: &&Location| location.path().is_none_or(|path| path.to_str().is_some());
        let texts: Vec<String> = locations.iter().filter(is_text).map(Location::kept).collect();
        self.write("recent.json", &serde_json::to_value(texts).unwrap_or_default());
    }

    /// How a recording was looked at; `fresh` is how it would be without a memory. Blocks.
    pub fn view(&self, identity: &str, fresh: &ViewState) -> Option<KeptView> {
        let value = todays(self.read(&view_file(identity))?);
        Some(lenient(&fresh.to_keep(), Some(&value)))
    }

    /// Keeps how a recording is looked at.
    pub fn keep_view(&self, identity: &str, view: &KeptView) {
        self.write(&view_file(identity), &Value::Object(object(view)));
        if let Some(files) = &self.files {
            files.bound("views", MAX_RECORDINGS);
        }
    }

    /// What the user said about the recording in a folder, or of one `array` of several. Blocks.
    pub fn given(&self, folder: &Location, array: Option<&str>) -> Given {
        let value = self.read(&given_file(folder, array));
        value.and_then(|value| serde_json::from_value(value).ok()).map(Given::sane).unwrap_or_default()
    }

    /// Keeps it.
    pub fn keep_given(&self, folder: &Location, array: Option<&str>, given: &Given) {
        let file = given_file(folder, array);
        match (given == &Given::default(), &self.files) {
            (true, Some(files)) => files.remove(&file),
            _ => {
                // For whoever looks into the folder: its name cannot be read from the file's.
                let mut value = object(given);
                value.insert("folder".to_owned(), folder.to_string().into());
                value.extend(array.map(|array| ("array".to_owned(), array.into())));
                self.write(&file, &Value::Object(value));
            }
        }
    }

    /// Forgets how a recording was looked at.
    pub fn forget_view(&self, identity: &str) {
        if let Some(files) = &self.files {
            files.remove(&view_file(identity));
        }
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        if let Some(files) = &self.files {
            for file in ["settings.json", "recent.json"] {
                files.remove(file);
            }
            for folder in ["views", "given", "choices", "layouts"] {
                files.bound(folder, 0);
            }
        }
        if let Some(results) = &self.results {
            forget_results(results);
        }
    }

    /// Waits until all is written, at most for `patience`: at the end of the program.
    pub fn flush(&self, patience: Duration) {
        if let Some(files) = &self.files {
            files.flush(patience);
        }
    }

    fn read(&self, file: &str) -> Option<Value> {
        serde_json::from_str(&self.files.as_ref()?.read(file)?).ok()
    }

    fn write(&self, file: &str, value: &Value) {
        if let (Some(files), Ok(text)) = (&self.files, serde_json::to_string_pretty(value)) {
            files.write(file, text);
        }
    }
}

fn view_file(identity: &str) -> String {
    format!("views/{identity}.json")
}

fn given_file(folder: &Location, array: Option<&str>) -> String {
    format!("given/{}.json", array_key(folder, array))
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
