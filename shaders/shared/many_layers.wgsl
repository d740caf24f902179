// Voxels in the layers of an array texture: the tiles of a plane that is wider or higher than a texture
// may be, in reading order; for a volume, one such plane after the other.

@group(1) @binding(0) var voxels: texture_2d_array<Scalar>;
@group(2) @binding(0) var mask: texture_2d_array<u32>;

fn raw_texel(place: Place) -> Raw {
    return raw_of(textureLoad(voxels, place.position, place.layer, 0));
}

fn mask_texel(place: Place) -> u32 {
    return textureLoad(mask, place.position, place.layer, 0).r;
}

fn place_of(tiles: Tiles, position: vec2<i32>, plane: i32) -> Place {
    if tiles.in_plane == 1 {
        return Place(position, plane);
    }
    let tile = position / tiles.side;
    return Place(position - tile * tiles.side, plane * tiles.in_plane + tile.y * tiles.across + tile.x);
}
