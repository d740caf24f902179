//! A trace as a mesh: the mean of every column as a line, over a band from the least to the most.

use std::sync::Arc;

use egui::epaint::{Mesh, Shape, Tessellator, Vertex, WHITE_UV};
use egui::{Color32, Context, Pos2, Rect, Stroke, pos2};

use super::Columns;
use super::thin::{self, Bin};

const WIDTH: f32 = 1.1;
/// What is said to lie beyond the row, with a mark of this size at its edge.
const BEYOND: f32 = 2.0;

/// Where and how a trace is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its row.
    pub rect: Rect,
    /// Values at the bottom and the top.
    pub span: [f32; 2],
    /// Of the mean.
    pub color: Color32,
    /// From least to most.
    pub band: Color32,
}

/// Distance of the first and the last value from the edges of a row.
pub const PADDING: f32 = 3.0;

impl Line {
    /// Where a value lies, within the row.
    pub fn y(&self, value: f32) -> f32 {
        let [low, high] = self.span;
        let part = ((value - low) / (high - low).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
        self.rect.bottom() - PADDING - part * (self.rect.height() - 2.0 * PADDING)
    }

    /// The value that lies at a height, also beyond the row.
    pub fn value(&self, y: f32) -> f32 {
        let [low, high] = self.span;
        let part = (self.rect.bottom() - PADDING - y) / (self.rect.height() - 2.0 * PADDING).max(1.0);
        low + part * (high - low)
    }
}

/// What a mesh was made of, and the mesh.
pub struct Drawn {
    line: Line,
    columns: Columns,
    generation: u64,
    pixels_per_point: f32,
    mesh: Arc<Mesh>,
}

impl Drawn {
    /// The one there is if it is what is wanted, else a new one of these bins.
    pub fn or_anew(
        known: Option<Self>,
        ctx: &Context,
        line: Line,
        columns: Columns,
        generation: u64,
        bins: impl FnOnce() -> Vec<Bin>,
    ) -> Self {
        let pixels_per_point = ctx.pixels_per_point();
        let is_same = |known: &Self| {
            known.line == line
                && known.columns == columns
                && known.generation == generation
                && known.pixels_per_point == pixels_per_point
        };
        if let Some(known) = known.filter(is_same) {
            return known;
        }
        let mesh = Arc::new(mesh(ctx, &line, &bins()));
        Self { line, columns, generation, pixels_per_point, mesh }
    }

    /// The mesh.
    pub fn mesh(&self) -> Arc<Mesh> {
        Arc::clone(&self.mesh)
    }
}

fn mesh(ctx: &Context, line: &Line, bins: &[Bin]) -> Mesh {
    let mut mesh = Mesh::default();
    let x = |column: usize| line.rect.left() + (column as f32 + 0.5) / bins.len() as f32 * line.rect.width();
    let lines = thin::lines(bins);
    for columns in &lines {
        band(&mut mesh, columns.iter().map(|column| (x(*column), bins[*column])), line);
    }
    let options = ctx.tessellation_options(|options| *options);
    let mut tessellator = Tessellator::new(ctx.pixels_per_point(), options, [1, 1], Vec::new());
    for columns in &lines {
        let mut points: Vec<Pos2> = columns.iter().map(|column| pos2(x(*column), line.y(bins[*column].mean))).collect();
        if let [only] = points[..] {
            points = vec![pos2(only.x - 0.5, only.y), pos2(only.x + 0.5, only.y)];
        }
        tessellator.tessellate_shape(Shape::line(points, Stroke::new(WIDTH, line.color)), &mut mesh);
    }
    for (column, bin) in bins.iter().enumerate() {
        beyond(&mut mesh, x(column), bin, line);
    }
    mesh
}

/// From the least to the most of each column.
fn band(mesh: &mut Mesh, columns: impl Iterator<Item = (f32, Bin)>, line: &Line) {
    let first = mesh.vertices.len() as u32;
    for (x, bin) in columns {
        for value in [bin.least, bin.most] {
            mesh.vertices.push(Vertex { pos: pos2(x, line.y(value)), uv: WHITE_UV, color: line.band });
        }
    }
    let num_pairs = (mesh.vertices.len() as u32 - first) / 2;
    for pair in 0..num_pairs.saturating_sub(1) {
        let at = first + 2 * pair;
        mesh.add_triangle(at, at + 1, at + 2);
        mesh.add_triangle(at + 1, at + 2, at + 3);
    }
}

/// A mark at the edge of the row where values lie beyond it.
fn beyond(mesh: &mut Mesh, x: f32, bin: &Bin, line: &Line) {
    let mut mark = |y: f32| {
        let rect = Rect::from_center_size(pos2(x, y), egui::vec2(1.5, BEYOND));
        mesh.add_colored_rect(rect, line.color);
    };
    if bin.most > line.span[1] {
        mark(line.rect.top() + BEYOND / 2.0);
    }
    if bin.least < line.span[0] {
        mark(line.rect.bottom() - BEYOND / 2.0);
    }
}
