//! Tectum, a native viewer for volumetric time series. This page is the map of the code.
//!
//! # Layers
//! Data flows one way, from the disk to the screen; commands flow the other way.
//!
//! | module | job | may import |
//! |---|---|---|
//! | [`volume`] | shapes, regions, voxel types, indexing, projection, histogram: arrays in memory | machine |
//! | [`machine`] | how far work in the background steps back: priorities of threads, a cap on what is read; freed memory goes back, new memory comes at once | nothing |
//! | [`codec`] | HDF5 filters and compressors: bytes in, bytes out | volume |
//! | [`mod@format`] | what lies on disk: [`format::Source`], [`format::Growing`] and one module for each format; its page says where a new one goes | codec, volume |
//! | [`mod@array`] | a source seen as (t, z, y, x), in one or more resolutions: geometry, assembling chunks; as `ndarray` arrays | format |
//! | [`qc`] | is the recording good: measures of every timepoint, figures, limits, alarms, reports as data | volume |
//! | [`sweep`] | one pass over all of a recording, behind everything else; measuring its quality | format, array, qc, machine |
//! | [`mod@text`] | numbers, times and files in words | format |
//! | [`report`] | reports of quality written down: JSON, CSV, pages | volume, qc |
//! | [`stream`] | the layers of a window under one budget: the cache, the plan of what to read next, the loader threads, projections | array, machine |
//! | [`live`] | watching a recording that is still being written | format |
//! | [`render`] | every GPU object: textures, shaders, draw lists | volume |
//! | [`ui`] | view state, commands, panels: plain functions that draw and return commands | text, plain data of stream, live, render, qc and sweep |
//! | [`mod@write`] | files that appear only when they are whole; what is written into them, a [`write::Target`] for each format | array, machine |
//! | [`jobs`] | long work cut into tasks for a cluster: plan, run, merge, status | write, sweep, report |
//! | [`demo`] | the demo recording and the rig that plays it | format, write |
//! | [`app`] | [`app::Program`]: sessions, openings, what is remembered, all without a window; the window around it; snapshots | all but cli |
//! | [`cli`] | one file for each subcommand | all |
//!
//! `render`, `ui` and `app` are the window, and the feature `window`; without it the others are a program of the
//! command line alone.
//!
//! What concerns the window comes out of the program as [`app::Effect`]s, so that a test steps it by hand.
//!
//! libhdf5 is named only in `format::hdf5` (and in `write::hdf5`, which writes), wgpu only in
//! `render` and device set-up, egui only in `ui`, `app` and the render callback.
//!
//! # One scrub, in a straight line
//! slider drag → [`ui::steer`] (before anything is drawn, so that the frame is one pass and shows one state) →
//! [`ui::Command`] → [`ui::ViewState::apply`] → [`ui::resolve`] → [`stream::Stream::request`]
//! (velocity, plan, submit) → a loader reads and decodes a chunk into the cache and wakes the window →
//! the next frame asks [`stream::Stream::picture`] and hands the voxels to the renderer as a draw.
//!
//! # Where is …?
//! * **A new format**: a room in `format` with a [`format::Source`], and a row in the table of
//!   [`format::open`], which asks what lies there and not how it is called. What can grow is a
//!   [`format::Growing`] too, what is fetched from far away a [`format::Fetching`]; every source keeps the
//!   contract of `tests/contract`.
//! * **A new view**: its state in [`ui::ViewState`], what it asks for in [`ui::resolve`], its canvas in
//!   `ui::panels`, what is drawn there in a [`render::PlaneDraw`].
//! * **A new measure of quality**: a file in `qc`, its column in [`qc::Row`] or its sums in [`qc::State`], its
//!   call in [`qc::Measurer`], its limit in [`qc::Limits`], its words in `qc::judge`.
//! * **Who decides what is read next**: `stream::plan` and `stream::request`, from a [`stream::ViewRequest`];
//!   nobody else asks for a chunk.
//! * **Who owns a texture**: `render::textures`, under one budget; everybody else has a lease that may be lost.
//! * **Who names a picture**: [`volume::PictureKey`] and [`array::ChunkKey`], which begin with the
//!   [`volume::LayerId`] of one opening of one recording: what is left over from a former one is found by nobody.
//!
//! # Words
//! Axis order is t, z, y, x everywhere, slowest first. A *voxel* is a sample, a *pixel* is on screen
//! only. A *plane* is a 2-D cut, a *volume* 3-D at one *timepoint*; a *frame* is one repaint of the
//! window. A *chunk* is the smallest piece that can be read alone and the cache's unit; a *block* is one
//! file of a split dataset.

#[cfg(feature = "window")]
pub mod app;
pub mod array;
pub mod cli;
pub mod codec;
pub mod demo;
pub mod format;
pub mod jobs;
pub mod live;
pub mod machine;
pub mod qc;
#[cfg(feature = "window")]
pub mod render;
pub mod report;
pub mod stream;
pub mod sweep;
pub mod text;
#[cfg(feature = "window")]
pub mod ui;
pub mod volume;
pub mod write;

/// The arrays that [`array::read`] gives and [`volume::Voxels::view`] lends.
pub use ndarray;
