// Voxels in one texture, as most planes are.

@group(1) @binding(0) var voxels: texture_2d<Scalar>;
@group(2) @binding(0) var mask: texture_2d<u32>;

fn raw_texel(place: Place) -> Raw {
    return raw_of(textureLoad(voxels, place.position, 0));
}

fn mask_texel(place: Place) -> u32 {
    return textureLoad(mask, place.position, 0).r;
}

fn place_of(tiles: Tiles, position: vec2<i32>, plane: i32) -> Place {
    return Place(position, 0);
}
