//! Units of length and time by the names that people and programs give them.

/// Micrometres of a unit of length; `None` for pixels and what is not known.
pub(super) fn micrometres(unit: &str) -> Option<f64> {
    let unit = plain(unit);
    Some(match unit.as_str() {
        "micrometer" | "micrometre" | "micron" | "um" | "µm" | "μm" | "\\u00b5m" => 1.0,
        "nanometer" | "nanometre" | "nm" => 1e-3,
        "angstrom" | "å" => 1e-4,
        "picometer" | "picometre" | "pm" => 1e-6,
        "millimeter" | "millimetre" | "mm" => 1e3,
        "centimeter" | "centimetre" | "cm" => 1e4,
        "decimeter" | "decimetre" | "dm" => 1e5,
        "meter" | "metre" | "m" => 1e6,
        "inch" | "in" => 25_400.0,
        _ => return None,
    })
}

/// Seconds of a unit of time; `None` for what is not known.
pub(super) fn seconds(unit: &str) -> Option<f64> {
    let unit = plain(unit);
    Some(match unit.as_str() {
        "second" | "sec" | "s" => 1.0,
        "millisecond" | "msec" | "ms" => 1e-3,
        "microsecond" | "us" | "µs" | "μs" => 1e-6,
        "nanosecond" | "ns" => 1e-9,
        "minute" | "min" => 60.0,
        "hour" | "h" => 3600.0,
        "day" | "d" => 86_400.0,
        _ => return None,
    })
}

/// The unit as it stands in the tables: small letters, one of it.
fn plain(unit: &str) -> String {
    let unit = unit.trim().trim_matches('"').to_lowercase();
    match unit.strip_suffix('s') {
        Some(one) if unit.len() > 3 => one.to_owned(),
        _ => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_known_by_all_their_names() {
        for (um, names) in [
            (1.0, &["µm", "μm", "um", "microns", "Micrometer", "micrometres", "\"\\u00B5m\""][..]),
            (1e-3, &["nm", "nanometers", "NANOMETRE "]),
            (1e-4, &["Å", "angstrom", "angstroms"]),
            (1e6, &["m", "meters", "metre"]),
            (25_400.0, &["inch", "in"]),
        ] {
            names.iter().for_each(|name| assert_eq!(micrometres(name), Some(um), "{name}"));
        }
        for (s, names) in
            [(1.0, &["s", "sec", "seconds"][..]), (1e-3, &["ms", "msec", "milliseconds"]), (1e-9, &["ns"])]
        {
            names.iter().for_each(|name| assert_eq!(seconds(name), Some(s), "{name}"));
        }
        for strange in ["", "pixel", "pixels", "a.u.", "mms", "s s", "\u{1F52C}"] {
            assert_eq!((micrometres(strange), seconds(strange)), (None, None), "{strange}");
        }
    }
}
