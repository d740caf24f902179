fn key_of(raw: Raw) -> u32 {
    return bitcast<u32>(raw) ^ 0x80000000u;
}
