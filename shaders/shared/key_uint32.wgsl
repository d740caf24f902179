fn key_of(raw: Raw) -> u32 {
    return raw;
}
