//! Pages about recordings: what they say adds up, they ask nothing of anybody, and nobody's names become code.

#![allow(clippy::unwrap_used)]

#[path = "report/story.rs"]
mod story;

use std::path::PathBuf;

use tectum::qc::{Code, Figures, Limits, Missing, Table, Usable};
use tectum::report::{self, Entry, Study};

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

/// Three recordings, and one that cannot be read.
fn evening() -> Study {
    let bad = story::report();
    let mut good = story::report();
    (good.name, good.usable) = ("fish1_run1".to_owned(), Usable { volumes: 9000, expected: 9000, ..bad.usable });
    good.alarms.clear();
    good.lost.clear();
    let mut gone = story::report();
    gone.name = "fish7 <b>run1".to_owned();
    gone.usable = Usable { volumes: 3000, expected: 3000, ..bad.usable };
    gone.alarms.truncate(1);
    gone.alarms[0].t = [3000, 8999];
    gone.missing = vec![Missing { t: [4500, 5400], z: None, file: None, reason: "block 15 is not there".to_owned() }];
    gone.lost = vec![[3000, 9000]];
    let entries = vec![
        Entry::of(&good, Some("evening/fish1_run1.html".to_owned())),
        Entry::of(&bad, Some("evening/fish3_run2.html".to_owned())),
        Entry::failed("fish9", "imaging/fish9", "stack_metadata.json:\tis damaged"),
        Entry::of(&gone, None),
    ];
    Study {
        place: "imaging/2026-11".to_owned(),
        entries,
        limits: Limits::default(),
        limits_name: "rig default".to_owned(),
        version: "0.2.0".to_owned(),
        made_s: 1_795_555_555.0,
        seconds: 1860.0,
        num_cores: 2,
        left_out: None,
    }
}

#[test]
fn recordings_stand_side_by_side_the_worst_first() {
    let page = report::study(&evening());
    keep("evening.html", &page);
    let text = text(&page);
    let at = |name: &str| text.find(&format!("<b>{name}</b>")).unwrap_or_else(|| panic!("{name} is missing"));
    assert!(at("fish9") < at("fish7 &lt;b&gt;run1") && at("fish7 &lt;b&gt;run1") < at("fish3_run2"));
    assert!(at("fish3_run2") < at("fish1_run1"));
    for said in [
        "href=\"evening&#x2f;fish3_run2.html\"",
        "Planes shifted by one from 18:44 to the end; 3 more",
        "Nothing to note",
        "is damaged",
        "<b>58.4</b>of 90.0 min usable (65 %)",
    ] {
        assert!(text.contains(said), "{said} is missing");
    }
}

#[test]
fn a_table_of_recordings_has_a_line_and_as_many_cells_for_each() {
    let table = report::tsv(&evening());
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{table}");
    let column = |name: &str| lines[0].iter().position(|cell| *cell == name).unwrap();
    assert_eq!(lines[2][column("usable_volumes")], "5520");
    assert_eq!(lines[2][column("usable_minutes")], "18.400");
    assert_eq!(lines[2][column("grade")], "in part");
    assert_eq!((lines[3][column("grade")], lines[3][column("volumes")]), ("not readable", ""));
    assert_eq!(lines[3][column("worst")], "stack_metadata.json: is damaged");
}
