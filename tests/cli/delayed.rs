//! `--op` on the command line: what is written is what the expression makes, and what cannot be is one line.

use std::path::PathBuf;

use super::{export, shape_of, tectum};

fn dense() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sources/delayed/dense.h5"))
}

#[test]
fn export_writes_what_an_expression_makes() {
    let plain = export(&dense(), &["--dataset", "counts", "--select", "1:5:2, 3, 7"]);
    let computed = export(
        &dense(),
        &["--dataset", "counts", "--select", "1:5:2, :, 7", "--op", "- 100 | multiply 3", "--op", "subset [:, 3]"],
    );
    let ((header, plain), (made, computed)) = (plain.file.unwrap(), computed.file.unwrap());
    assert_eq!((shape_of(&header), shape_of(&made)), (vec![2, 20], vec![2, 20]));
    assert!(made.contains("'descr': '<u2'"), "{made}");
    let values = |bytes: &[u8]| bytes.chunks_exact(2).map(|v| u16::from_le_bytes([v[0], v[1]])).collect::<Vec<_>>();
    let wanted: Vec<u16> = values(&plain).iter().map(|value| value.wrapping_sub(100).wrapping_mul(3)).collect();
    assert_eq!(values(&computed), wanted);
    let mean = export(&dense(), &["--dataset", "float", "--op", "mean", "--op", "* 2"]);
    assert_eq!(shape_of(&mean.file.unwrap().0), Vec::<u64>::new());
}

#[test]
fn info_says_what_is_computed() {
    let args = ["info", "--dataset", "counts", "--op", "- 100 | log1p | mean over 0", "--json"];
    let output = tectum([&args[..], &[dense().to_str().unwrap()]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(said["dtype"], "float32", "{text}");
    assert!(text.contains("subtract 100, logarithm of 1 + the value, then mean over 0"), "{text}");
}

#[test]
fn an_expression_that_does_not_fit_is_refused_in_one_line() {
    for (op, said) in [
        ("foo", "step 1 (foo): no operation is named \"foo\""),
        ("add [1, 2] over 0", "step 1 (add [1, 2] over 0): a vector of 2 along an axis of 6"),
        ("log | add @nowhere.npy", "step 2 (add @nowhere.npy): nowhere.npy: no such file or folder"),
        ("add 70000", "step 1 (add 70000): Python integer 70000 out of bounds for uint16"),
    ] {
        let refused = export(&dense(), &["--dataset", "counts", "--op", op]);
        let stderr = String::from_utf8(refused.output.stderr).unwrap();
        assert!(refused.file.is_none() && stderr.contains(said) && stderr.trim_end().lines().count() == 1, "{stderr}");
    }
}

#[test]
fn convert_takes_what_is_done_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.npy");
    let args = ["--dataset", "counts", "--select", "1:3", "--op", "/ 2 | max over 1", "--dtype", "f4"];
    let path = dense();
    let all = [&["convert", path.to_str().unwrap(), "-o", out.to_str().unwrap()], &args[..]].concat();
    let output = tectum(all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let converted = std::fs::read(&out).unwrap();
    let exported = export(&dense(), &["--dataset", "counts", "--select", "1:3", "--op", "/ 2 | max over 1 | cast f4"]);
    let (header, bytes) = exported.file.unwrap();
    assert_eq!(shape_of(&header), [2, 24, 20]);
    assert_eq!(converted[converted.len() - bytes.len()..], bytes);
}
