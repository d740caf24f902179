//! Units of length and time by the names that programs give them.

/// Micrometres of a unit of length; `None` for pixels and what is not known.
pub fn micrometres(unit: &str) -> Option<f64> {
    Some(match unit.trim().trim_matches('"') {
        "µm" | "μm" | "um" | "micron" | "microns" | "micrometer" | "micrometre" | "\\u00B5m" | "\\u00b5m" => 1.0,
        "nm" | "nanometer" | "nanometre" => 1e-3,
        "Å" | "angstrom" => 1e-4,
        "pm" => 1e-6,
        "mm" | "millimeter" | "millimetre" => 1e3,
        "cm" | "centimeter" | "centimetre" => 1e4,
        "m" | "meter" | "metre" => 1e6,
        "in" | "inch" => 25_400.0,
        _ => return None,
    })
}

/// Seconds of a unit of time.
pub fn seconds(unit: &str) -> Option<f64> {
    Some(match unit.trim() {
        "s" | "sec" | "second" | "seconds" => 1.0,
        "ms" | "msec" | "millisecond" | "milliseconds" => 1e-3,
        "µs" | "μs" | "us" | "microsecond" | "microseconds" => 1e-6,
        "ns" => 1e-9,
        "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}
