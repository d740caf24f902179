// A plane wider or higher than a texture may be lies in several layers, side by side in reading order.
// A volume is one such plane after the other.

struct Tiles {
    side: vec2<i32>,   // voxels of a tile, (x, y)
    across: i32,       // tiles in a row
    in_plane: i32,     // tiles in a plane
}

struct Place {
    position: vec2<i32>,
    layer: i32,
}

fn place_of(tiles: Tiles, position: vec2<i32>, plane: i32) -> Place {
    if tiles.in_plane == 1 {
        return Place(position, plane);
    }
    let tile = position / tiles.side;
    return Place(position - tile * tiles.side, plane * tiles.in_plane + tile.y * tiles.across + tile.x);
}
