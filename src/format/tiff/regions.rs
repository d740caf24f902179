//! The regions of a field of view that ScanImage scans one after the other into one page (mROI), from its JSON of
//! groups of them. A page is shown as it was recorded: where each region lay in the field is said, not drawn.

use serde_json::Value as Json;

/// Regions that are named one by one.
const MAX_NAMED: usize = 12;

/// What a page of so many rows is a stack of, as a fact.
pub fn fact(text: &str, height: u64) -> (String, String) {
    let label = "Regions".to_owned();
    let regions = serde_json::from_str(text).map(|json| of(&json)).unwrap_or_default();
    let num = regions.len();
    if num == 0 {
        return (label, "several of a field of view, one below the other as recorded".to_owned());
    }
    let sizes: Vec<String> =
        regions.iter().take(MAX_NAMED).map(|[rows, columns]| format!("{rows} × {columns}")).collect();
    let more = if num > MAX_NAMED { ", …" } else { "" };
    let rows: u64 = regions.iter().fold(0, |sum, [rows, _]| sum.saturating_add(*rows));
    let between = match height.checked_sub(rows) {
        Some(0) => String::new(),
        Some(lines) => format!("; {lines} further rows lie between them, scanned on the way"),
        None => format!("; together they have {rows} rows, a page {height}: not all are in it"),
    };
    (
        label,
        format!("each page is a stack of {num}, one below the other as recorded: {}{more}{between}", sizes.join(", ")),
    )
}

/// Rows and columns of each region that is scanned, in their order.
fn of(json: &Json) -> Vec<[u64; 2]> {
    list(&json["RoiGroups"]["imagingRoiGroup"]["rois"]).into_iter().filter_map(extent).collect()
}

/// Of a region: the extent of the fields that it has at different depths, which is the same for all.
fn extent(roi: &Json) -> Option<[u64; 2]> {
    if matches!(&roi["enable"], Json::Bool(false)) || roi["enable"].as_u64() == Some(0) {
        return None;
    }
    let fields = list(&roi["scanfields"]);
    let [columns, rows] = &fields.first()?["pixelResolutionXY"].as_array()?[..] else { return None };
    Some([rows.as_u64()?, columns.as_u64()?])
}

/// A list, which Matlab writes without brackets where it is of one.
fn list(json: &Json) -> Vec<&Json> {
    match json {
        Json::Array(items) => items.iter().collect(),
        Json::Object(_) => vec![json],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_said_to_be_a_stack_of_its_regions() {
        let roi = |columns: u32, rows: u32| {
            format!("{{\"enable\": 1, \"scanfields\": {{\"pixelResolutionXY\": [{columns}, {rows}]}}}}")
        };
        let text = |rois: &str| format!("{{\"RoiGroups\": {{\"imagingRoiGroup\": {{\"rois\": {rois}}}}}}}");
        let two = text(&format!("[{}, {}]", roi(128, 100), roi(256, 60)));
        let said = |text: &str, height: u64| fact(text, height).1;
        assert_eq!(said(&two, 160), "each page is a stack of 2, one below the other as recorded: 100 × 128, 60 × 256");
        assert!(said(&two, 172).ends_with("; 12 further rows lie between them, scanned on the way"));
        assert!(said(&two, 100).contains("not all are in it"));
        assert!(said(&text(&roi(8, 4)), 4).contains("a stack of 1"));
        for damaged in ["", "{", "[]", "{\"RoiGroups\": {\"imagingRoiGroup\": {\"rois\": [{\"scanfields\": 7}, 3]}}}"] {
            assert!(said(damaged, 7).starts_with("several of a field of view"), "{damaged}");
        }
    }
}
