// Voxels in one texture, as most planes are.

@group(1) @binding(0) var voxels: texture_2d<Raw>;
@group(2) @binding(0) var mask: texture_2d<u32>;

fn raw_texel(place: Place) -> Raw {
    return textureLoad(voxels, place.position, 0).r;
}

fn mask_texel(place: Place) -> u32 {
    return textureLoad(mask, place.position, 0).r;
}

fn place_of(tiles: Tiles, position: vec2<i32>, plane: i32) -> Place {
    return Place(position, 0);
}
