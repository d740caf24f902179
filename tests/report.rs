//! Pages about recordings: what they say adds up, they ask nothing of anybody, and nobody's names become code.

#![allow(clippy::unwrap_used)]

#[path = "report/story.rs"]
mod story;

use std::path::PathBuf;

use tectum::qc::{Code, Figures, Table, Usable};
use tectum::report;

/// Keeps a page where it can be looked at in a browser.
fn keep(name: &str, page: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, page).unwrap();
    path
}

/// The page without what lies in it as data.
fn text(page: &str) -> String {
    page.split("base64,").enumerate().fold(String::new(), |mut text, (i, part)| {
        let skipped = if i == 0 { 0 } else { part.find(['"', ')', '\'', ';']).unwrap_or(0) };
        text.push_str(&part[skipped..]);
        text
    })
}

#[test]
fn a_report_says_what_was_found_and_what_it_costs() {
    let page = report::page(&story::report());
    keep("report.html", &page);
    let text = text(&page);
    for said in [
        ">18.4<",
        "of 30.0 min usable",
        "61 %",
        "Planes shifted by one from 18:44 to the end",
        "4:56.0 – 5:04.4 · t 1\u{202f}480 – 1\u{202f}522",
        "− 0.1 min",
        "− 0.2 min",
        "− 11.3 min",
        ">kept<",
        "full scale 4\u{202f}095 (detected)",
        "50 µm",
        "z drift, most before 18:44",
        "limits “rig default”",
        "9.5 volumes in a pixel",
    ] {
        assert!(text.contains(said), "{said} is missing");
    }
}

#[test]
fn a_page_asks_nothing_of_anybody_and_names_do_not_become_code() {
    let mut report = story::report();
    let hostile = "<script>alert(1)</script>\"'&<img src=https://example.org/x onerror=alert(1)>";
    report.name = hostile.to_owned();
    report.path = hostile.to_owned();
    report.provenance.limits_name = hostile.to_owned();
    report.provenance.identity = hostile.to_owned();
    report.alarms[0].title = hostile.to_owned();
    report.alarms[0].advice = hostile.to_owned();
    report.figures.notes.insert(Code::PhotonGain, hostile.to_owned());
    let page = report::page(&report);
    keep("hostile.html", &page);
    let text = text(&page);
    assert!(!text.contains("<script>alert") && !text.contains("<img src=https"), "a name has become code");
    assert!(text.contains("default-src &#x27;none&#x27;"), "other pages may be asked");
    let addresses = text.match_indices("http").filter(|(at, _)| !text[*at..].starts_with("http-equiv"));
    let outside = addresses.filter(|(at, _)| !text[*at..].starts_with("http://www.w3.org/2000/svg"));
    assert!(outside.clone().all(|(at, _)| text[..at].ends_with("src=")), "only within the hostile name");
}

#[test]
fn what_cannot_be_had_is_a_dash_with_the_reason() {
    let mut report = story::report();
    report.subject.rate_hz = None;
    report.usable.rate_hz = None;
    report.figures = Figures::default();
    report.pictures = None;
    for code in [Code::Focus, Code::PhotonGain] {
        report.figures.notes.insert(code, format!("the planes are too small for {}", code.name()));
    }
    report.table = Table::new(5, 1);
    report.subject.shape = [5, 1, 8, 8];
    report.provenance.range = [0, 5];
    report.usable = Usable { volumes: 2, measured: 2, of: 5, expected: 5, rate_hz: None };
    report.alarms.clear();
    report.lost.clear();
    let page = report::page(&report);
    keep("bare.html", &page);
    let text = text(&page);
    for said in [
        "of 5 volumes usable",
        "2 of 5 volumes have been measured",
        "the planes are too small for focus",
        "the planes are too small for photon_gain",
        "No alarm, no warning",
    ] {
        assert!(text.contains(said), "{said} is missing");
    }
    assert!(!text.contains("NaN") && !text.contains("inf"), "a number was invented");
}
