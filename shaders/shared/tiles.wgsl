// Where a voxel lies in its texture.

struct Tiles {
    side: vec2<i32>,   // voxels of a tile, (x, y)
    across: i32,       // tiles in a row
    in_plane: i32,     // tiles in a plane
}

struct Place {
    position: vec2<i32>,
    layer: i32,
}
