//! What the names of files promise: for lists to choose from, never for opening, where content decides.

/// What a file of this name is likely to be; `None` where nothing here would open it.
pub fn kind_of_name(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    match () {
        () if ends(&["stack_metadata.json"]) => Some("metadata of a split dataset"),
        () if ends(&[".lindi.json", ".lindi.tar"]) => Some("LINDI file"),
        () if ends(&[".nwb"]) => Some("NWB file"),
        () if ends(&[".tif", ".tiff", ".btf", ".tf8"]) => Some("TIFF file"),
        () if ends(&[".npy"]) => Some("NumPy array"),
        () if ends(&[".zarr.zip", ".ozx"]) => Some("Zarr archive"),
        () if ends(&[".h5", ".hdf5", ".h5ad"]) => Some("HDF5 file"),
        () => None,
    }
}

/// What a folder is that holds a file of this name; `None` where that tells nothing.
pub fn kind_of_folder_with(name: &str) -> Option<&'static str> {
    match name {
        ".zgroup" | ".zarray" | ".zattrs" | "zarr.json" => Some("Zarr folder"),
        "lindi.json" => Some("LINDI folder"),
        _ => None,
    }
}

/// What can be opened, for who gave something else.
pub const WHAT_TO_GIVE: &str =
    "give an acquisition folder, an HDF5, NWB, LINDI, TIFF or .npy file, or a Zarr folder or archive";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise_a_kind() {
        assert_eq!(kind_of_name("Fish3.OME.TIF"), Some("TIFF file"));
        assert_eq!(kind_of_name("a.nwb.lindi.json"), Some("LINDI file"));
        assert_eq!(kind_of_name("a.nwb"), Some("NWB file"));
        assert_eq!(kind_of_name("notes.json"), None);
        assert_eq!(kind_of_folder_with("zarr.json"), Some("Zarr folder"));
    }
}
