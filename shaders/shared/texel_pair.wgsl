// Voxels of 64 bits as two halves, the lower first, read without loss.

alias Raw = vec2<u32>;
alias Scalar = u32;

fn raw_of(texel: vec4<Scalar>) -> Raw {
    return texel.rg;
}
