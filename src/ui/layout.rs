//! How the canvases divide their room among them: a plain tree, as it is remembered. It is drawn, and its
//! dividers are dragged, by way of `egui_tiles`.

use egui::Id;
use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

use crate::volume::ViewId;

/// A part of the room. Shares are relative to those of its neighbours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Layout {
    /// One canvas.
    View(ViewId),
    /// Side by side, each with its share.
    Row(Vec<(f32, Layout)>),
    /// One above the other, each with its share.
    Column(Vec<(f32, Layout)>),
}

impl Default for Layout {
    fn default() -> Self {
        Self::View(ViewId::default())
    }
}

impl Layout {
    /// The canvases in it, from the left and the top.
    pub fn views(&self) -> Vec<ViewId> {
        match self {
            Self::View(id) => vec![*id],
            Self::Row(parts) | Self::Column(parts) => parts.iter().flat_map(|(_, part)| part.views()).collect(),
        }
    }

    /// With one more canvas, which takes half of the room of another.
    pub(super) fn with(self, new: ViewId, beside: ViewId, is_below: bool) -> Self {
        match self {
            Self::View(id) if id == beside => {
                let halves = vec![(1.0, Self::View(id)), (1.0, Self::View(new))];
                if is_below { Self::Column(halves) } else { Self::Row(halves) }
            }
            Self::View(id) => Self::View(id),
            Self::Row(parts) => Self::Row(each(parts, |part| part.with(new, beside, is_below))),
            Self::Column(parts) => Self::Column(each(parts, |part| part.with(new, beside, is_below))),
        }
    }

    /// The part of it that these canvases are in, each of them once, and with a share that can be drawn.
    fn only(self, wanted: &mut Vec<ViewId>) -> Option<Self> {
        let parts_of = |parts: Vec<(f32, Self)>, wanted: &mut Vec<ViewId>| -> Vec<(f32, Self)> {
            let share = |share: f32| if share.is_finite() && share > 0.0 { share } else { 1.0 };
            parts.into_iter().filter_map(|(of, part)| Some((share(of), part.only(wanted)?))).collect()
        };
        let (parts, is_row) = match self {
            Self::View(id) => {
                let at = wanted.iter().position(|wanted| *wanted == id)?;
                return Some(Self::View(wanted.remove(at)));
            }
            Self::Row(parts) => (parts_of(parts, wanted), true),
            Self::Column(parts) => (parts_of(parts, wanted), false),
        };
        match parts.len() {
            0 => None,
            1 => parts.into_iter().next().map(|(_, part)| part),
            _ => Some(if is_row { Self::Row(parts) } else { Self::Column(parts) }),
        }
    }

    /// The same for exactly these canvases, at least one: others are left out, those it has not are put beside.
    pub(super) fn of(self, views: &[ViewId]) -> Self {
        let mut missing = views.to_vec();
        let known = self.only(&mut missing);
        let mut parts: Vec<(f32, Self)> = known.into_iter().map(|known| (1.0, known)).collect();
        parts.extend(missing.into_iter().map(|id| (1.0, Self::View(id))));
        if parts.len() == 1 { parts.remove(0).1 } else { Self::Row(parts) }
    }

    pub(super) fn to_tree(&self) -> Tree<ViewId> {
        let mut tiles = Tiles::default();
        let root = self.insert(&mut tiles);
        Tree::new(Id::unique("canvases"), root, tiles)
    }

    fn insert(&self, tiles: &mut Tiles<ViewId>) -> TileId {
        let (parts, direction) = match self {
            Self::View(id) => return tiles.insert_pane(*id),
            Self::Row(parts) => (parts, LinearDir::Horizontal),
            Self::Column(parts) => (parts, LinearDir::Vertical),
        };
        let children: Vec<TileId> = parts.iter().map(|(_, part)| part.insert(tiles)).collect();
        let mut linear = Linear::new(direction, children.clone());
        for (child, (share, _)) in children.into_iter().zip(parts) {
            linear.shares.set_share(child, *share);
        }
        tiles.insert_container(linear)
    }

    pub(super) fn of_tree(tree: &Tree<ViewId>) -> Option<Self> {
        Self::of_tile(&tree.tiles, tree.root?)
    }

    fn of_tile(tiles: &Tiles<ViewId>, tile: TileId) -> Option<Self> {
        match tiles.get(tile)? {
            Tile::Pane(id) => Some(Self::View(*id)),
            Tile::Container(Container::Linear(linear)) => {
                let part = |child: &TileId| Some((linear.shares[*child], Self::of_tile(tiles, *child)?));
                let parts: Option<Vec<_>> = linear.children.iter().map(part).collect();
                Some(match linear.dir {
                    LinearDir::Horizontal => Self::Row(parts?),
                    LinearDir::Vertical => Self::Column(parts?),
                })
            }
            Tile::Container(_) => None,
        }
    }
}

fn each(parts: Vec<(f32, Layout)>, change: impl Fn(Layout) -> Layout) -> Vec<(f32, Layout)> {
    parts.into_iter().map(|(share, part)| (share, change(part))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(id: u8) -> Layout {
        Layout::View(ViewId(id))
    }

    #[test]
    fn canvases_are_put_beside_and_below_and_taken_away() {
        let two = view(0).with(ViewId(1), ViewId(0), false);
        assert_eq!(two, Layout::Row(vec![(1.0, view(0)), (1.0, view(1))]));
        let three = two.clone().with(ViewId(2), ViewId(1), true);
        assert_eq!(three.views(), [0, 1, 2].map(ViewId));
        let below = Layout::Column(vec![(1.0, view(1)), (1.0, view(2))]);
        assert_eq!(three, Layout::Row(vec![(1.0, view(0)), (1.0, below.clone())]));
        assert_eq!(three.clone().of(&[ViewId(0), ViewId(2)]), Layout::Row(vec![(1.0, view(0)), (1.0, view(2))]));
        assert_eq!(three.of(&[ViewId(1), ViewId(2)]), below);
    }

    #[test]
    fn a_remembered_layout_is_brought_to_the_canvases_there_are() {
        let odd = Layout::Row(vec![(f32::NAN, view(3)), (-2.0, view(3)), (0.5, Layout::Column(Vec::new()))]);
        assert_eq!(odd.clone().of(&[ViewId(3)]), view(3));
        assert_eq!(odd.of(&[ViewId(0), ViewId(1)]), Layout::Row(vec![(1.0, view(0)), (1.0, view(1))]));
    }

    #[test]
    fn a_layout_is_the_same_after_it_was_drawn() {
        let layout = Layout::Row(vec![(0.25, view(4)), (2.0, Layout::Column(vec![(1.0, view(1)), (3.0, view(2))]))]);
        assert_eq!(Layout::of_tree(&layout.to_tree()), Some(layout.clone()));
        let text = serde_json::to_string(&layout).unwrap();
        assert_eq!(serde_json::from_str::<Layout>(&text).unwrap(), layout);
    }
}
