//! Which array of several was chosen and what its axes were said to be: for the file itself, and for files of
//! the same layout, as a rig writes one after the other.

use serde_json::{Value, json};

use super::{Given, Memory};
use crate::format::{DatasetEntry, Fnv, array_key, check_axes};
use crate::volume::{ArrayInfo, Location};

/// Layouts remembered, the latest.
const MAX_LAYOUTS: usize = 300;

impl Memory {
    /// The array that was chosen of a location, or of another one that offers the same arrays. Blocks.
    pub fn choice(&self, location: &Location, entries: &[DatasetEntry]) -> Option<String> {
        let chosen = |value: Value| Some(value.get("dataset")?.as_str()?.to_owned());
        let of_file = self.read(&choice_file(location)).and_then(chosen);
        let name = of_file.or_else(|| self.read(&layout_file(&layout_of_entries(entries))).and_then(chosen))?;
        entries.iter().any(|entry| entry.name == name).then_some(name)
    }

    /// Keeps it.
    pub fn keep_choice(&self, location: &Location, entries: &[DatasetEntry], name: &str) {
        let of_file = json!({ "dataset": name, "folder": location.to_string() });
        self.write(&choice_file(location), &of_file);
        self.write(&layout_file(&layout_of_entries(entries)), &json!({ "dataset": name }));
        self.bound_layouts();
    }

    /// What was said of an array; its axes also of the array in another file that differs from this one in the
    /// number of timepoints alone. Blocks.
    pub fn said_of(&self, info: &ArrayInfo, array: Option<&str>) -> Given {
        let said = self.given(&info.location, array);
        let axes = said.axes.or_else(|| self.axes_of_layout(info, array.unwrap_or_default()));
        Given { axes, ..said }
    }

    fn axes_of_layout(&self, info: &ArrayInfo, array: &str) -> Option<String> {
        let axes = |time: Option<usize>| {
            let value = self.read(&layout_file(&layout_of_array(info, array, time)))?;
            let axes = value.get("axes")?.as_str()?.to_owned();
            (time_in(&axes) == time).then_some(axes)
        };
        let times = (0..info.shape.rank()).map(Some).chain([None]);
        times.into_iter().find_map(axes).filter(|axes| check_axes(axes).is_ok())
    }

    /// Keeps it.
    pub fn keep_axes_of_layout(&self, info: &ArrayInfo, array: &str, axes: &str) {
        let file = layout_file(&layout_of_array(info, array, time_in(axes)));
        self.write(&file, &json!({ "axes": axes }));
        self.bound_layouts();
    }

    /// Forgets what was said and chosen of a location and of files like it.
    pub fn forget_said(&self, location: &Location, info: &ArrayInfo, entries: &[DatasetEntry], array: Option<&str>) {
        let arrays = entries.iter().map(|entry| Some(entry.name.as_str())).chain([None]);
        arrays.for_each(|array| self.keep_given(&info.location, array, &Given::default()));
        let Some(files) = &self.files else { return };
        files.remove(&choice_file(location));
        files.remove(&layout_file(&layout_of_entries(entries)));
        for time in (0..info.shape.rank()).map(Some).chain([None]) {
            files.remove(&layout_file(&layout_of_array(info, array.unwrap_or_default(), time)));
        }
    }

    fn bound_layouts(&self) {
        if let Some(files) = &self.files {
            files.bound("layouts", MAX_LAYOUTS);
            files.bound("choices", MAX_LAYOUTS);
        }
    }
}

/// Which axis is time, in axes as they are kept.
fn time_in(axes: &str) -> Option<usize> {
    match axes.contains(',') {
        true => axes.split(',').position(|word| word == "t"),
        false => axes.find('t'),
    }
}

fn layout_of_entries(entries: &[DatasetEntry]) -> String {
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    let mut hash = Fnv::default();
    hash.add(b"arrays");
    names.into_iter().for_each(|name| hash.add(name.as_bytes()));
    hash.name()
}

/// All that tells the layout of an array, but its extent along time.
fn layout_of_array(info: &ArrayInfo, array: &str, time: Option<usize>) -> String {
    let mut hash = Fnv::default();
    // Without the version and the writer.
    hash.add(info.format.split_whitespace().next().unwrap_or_default().as_bytes());
    hash.add(array.as_bytes());
    hash.add(info.dtype.name().as_bytes());
    for (axis, len) in info.shape.dims().iter().enumerate() {
        let len = if Some(axis) == time { u64::MAX } else { *len as u64 };
        hash.add(&len.to_le_bytes());
    }
    hash.name()
}

fn layout_file(layout: &str) -> String {
    format!("layouts/{layout}.json")
}

fn choice_file(location: &Location) -> String {
    format!("choices/{}.json", array_key(location, None))
}
