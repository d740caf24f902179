//! A file as groups, arrays, links and attributes.

use tectum::format::OpenOptions;
use tectum::format::tree::{NodeKind, Tree, Values, numbers, read, texts, values};
use tectum::volume::DType;

use crate::manifest::folder;

/// What h5py wrote into `special.h5`, in whichever form it is kept.
pub fn assert_is_special(tree: &dyn Tree) {
    let listing = tree.listing();
    assert_eq!(listing.cut, None);
    let kind = |path: &str| listing.find(path).map(|(_, node)| node.kind);
    let array = |shape: &[u64], dtype| Some(NodeKind::Array { shape: shape.to_vec(), dtype });
    assert_eq!(kind("soft_data"), array(&[6, 4, 24, 20], Some(DType::U16)));
    assert_eq!(kind("soft_group/refs"), array(&[2], None));
    assert_eq!((kind("scalar_int"), kind("empty")), (array(&[], Some(DType::I64)), array(&[0, 5], Some(DType::F32))));
    assert_eq!((kind(""), kind("group/missing")), (Some(NodeKind::Group), None));
    let group = listing.at("group").unwrap();
    assert_eq!((group.text("s"), group.number("inf")), (Some("é"), Some(f64::NEG_INFINITY)));
    assert!(group.number("nan").unwrap().is_nan());

    assert_eq!(numbers(tree, "scalar_int", 1).unwrap(), [42.0]);
    assert_eq!(numbers(tree, "/scalar_float", 1).unwrap(), [2.5]);
    assert_eq!(texts(tree, "scalar_string", 1).unwrap(), ["text"]);
    assert_eq!(texts(tree, "strings", 3).unwrap(), ["a", "bb", "ccc"]);
    assert_eq!(texts(tree, "bytes", 3).unwrap(), ["a", "bb"]);
    assert_eq!(numbers(tree, "bool", 3).unwrap(), [1.0, 0.0, 1.0]);
    let fields = [("x".to_owned(), vec![1.0, 3.0]), ("y".to_owned(), vec![2.5, 4.5])];
    assert_eq!(values(tree, "compound", 2).unwrap(), Values::Columns(fields.to_vec()));
    let inline = numbers(tree, "inline", 60).unwrap();
    assert_eq!((inline.len(), inline[0], inline[1]), (60, inline[0], inline[0] + 7.0));
    for (path, max) in [("strings", 2), ("inline", 59), ("nothing", 9), ("group", 9), ("group/refs", 9)] {
        assert!(values(tree, path, max).is_err(), "{path} {max}");
    }
    assert!(texts(tree, "inline", 60).is_err() && numbers(tree, "strings", 3).is_err());
    assert_eq!(tree.open("gzip", &OpenOptions::default()).unwrap().info().dtype, DType::U16);
}

#[test]
fn the_same_is_listed_in_whichever_form_the_file_is_kept() {
    for name in ["special.h5", "special.lindi.json"] {
        assert_is_special(read(folder("lindi").join(name), &OpenOptions::default()).unwrap().as_ref());
    }
    let error = read(folder("lindi").join("manifest.json"), &OpenOptions::default()).err().unwrap();
    assert!(error.message.contains("is JSON"), "{error}");
}
