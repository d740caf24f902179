//! What the description of the first page says of all of them: ImageJ's lines, OME-XML, or tifffile's JSON.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::pages::{Flavor, Pages};
use crate::volume::{ArrayInfo, DType, VoxelSize};
use crate::write::{ChannelLook, Subject};

/// The description, in ASCII.
pub fn description(subject: &Subject, pages: &Pages) -> Vec<u8> {
    let text = match pages.flavor {
        Flavor::ImageJ => imagej(subject, pages),
        Flavor::Ome => ome(subject, pages),
        Flavor::Plain => plain(subject.source.info(), pages),
    };
    text.into_bytes()
}

/// Voxel edges that are lengths.
pub fn voxel_size(info: &ArrayInfo) -> Option<VoxelSize> {
    info.voxel_size.filter(|size| size.edges().iter().all(|edge| edge.is_finite() && *edge > 0.0))
}

/// Volumes per second, where it is a rate.
fn rate_hz(info: &ArrayInfo) -> Option<f64> {
    info.rate_hz.filter(|rate| rate.is_finite() && *rate > 0.0)
}

fn imagej(subject: &Subject, pages: &Pages) -> String {
    let info = subject.source.info();
    let mut lines = vec!["ImageJ=1.54f".to_owned(), format!("images={}", pages.num)];
    let counts = [('C', "channels"), ('Z', "slices"), ('T', "frames")].map(|(letter, name)| (name, pages.len(letter)));
    let several = counts.iter().filter(|(_, len)| *len > 1);
    lines.extend(several.clone().map(|(name, len)| format!("{name}={len}")));
    if several.count() > 1 {
        lines.push("hyperstack=true".to_owned());
    }
    if pages.len('C') > 1 {
        lines.push("mode=composite".to_owned());
    }
    if let Some(size) = voxel_size(info) {
        lines.push("unit=micron".to_owned());
        lines.push(format!("spacing={}", size.z_um));
    }
    if let Some(rate) = rate_hz(info) {
        lines.push(format!("finterval={}", 1.0 / rate));
        lines.push(format!("fps={rate}"));
    }
    lines.push("loop=false".to_owned());
    if let Some([low, high]) = subject.channels.first().and_then(|look| look.limits) {
        lines.push(format!("min={low}"));
        lines.push(format!("max={high}"));
    }
    lines.join("\n") + "\n"
}

/// tifffile's JSON, with the voxel size and the rate as it is usual beside it.
fn plain(info: &ArrayInfo, pages: &Pages) -> String {
    let letters: String = pages.letters.iter().map(|letter| if *letter == 'I' { 'Q' } else { *letter }).collect();
    let mut said = Map::new();
    // The shape comes first: readers look at how the text begins.
    said.insert("shape".to_owned(), json!(pages.chunks.shape().dims()));
    said.insert("axes".to_owned(), json!(letters));
    if let Some(size) = voxel_size(info) {
        for (name, edge) in [("PhysicalSizeX", size.x_um), ("PhysicalSizeY", size.y_um), ("PhysicalSizeZ", size.z_um)] {
            said.insert(name.to_owned(), json!(edge));
            said.insert(format!("{name}Unit"), json!("um"));
        }
    }
    if let Some(rate) = rate_hz(info) {
        said.insert("TimeIncrement".to_owned(), json!(1.0 / rate));
        said.insert("TimeIncrementUnit".to_owned(), json!("s"));
    }
    Value::Object(said).to_string()
}

fn ome(subject: &Subject, pages: &Pages) -> String {
    let info = subject.source.info();
    let mut order: String = "XY".into();
    order.extend(pages.letters[..pages.letters.len() - 2].iter().rev());
    order.extend(['C', 'Z', 'T'].into_iter().filter(|letter| !pages.letters.contains(letter)));
    let mut pixels = format!(
        "<Pixels ID=\"Pixels:0\" DimensionOrder=\"{order}\" Type=\"{}\" BigEndian=\"false\" \
         SizeX=\"{}\" SizeY=\"{}\" SizeC=\"{}\" SizeZ=\"{}\" SizeT=\"{}\"",
        pixel_type(pages.dtype),
        pages.width,
        pages.height,
        pages.len('C'),
        pages.len('Z'),
        pages.len('T'),
    );
    if let Some(size) = voxel_size(info) {
        for (axis, edge) in [('X', size.x_um), ('Y', size.y_um), ('Z', size.z_um)] {
            let _ = write!(pixels, " PhysicalSize{axis}=\"{edge}\" PhysicalSize{axis}Unit=\"&#181;m\"");
        }
    }
    if let Some(rate) = rate_hz(info) {
        let _ = write!(pixels, " TimeIncrement=\"{}\" TimeIncrementUnit=\"s\"", 1.0 / rate);
    }
    pixels.push('>');
    for i in 0..pages.len('C') {
        pixels.push_str(&channel(i, subject.channels.get(i)));
    }
    let _ = write!(pixels, "<TiffData IFD=\"0\" PlaneCount=\"{}\"/></Pixels>", pages.num);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://www.openmicroscopy.org/Schemas/OME/2016-06 \
         http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd\">\
         <Image ID=\"Image:0\" Name=\"{}\">{pixels}</Image></OME>",
        escaped(&info.name)
    )
}

fn pixel_type(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float",
        DType::F64 => "double",
        other => other.name(),
    }
}

fn channel(i: usize, look: Option<&ChannelLook>) -> String {
    let mut text = format!("<Channel ID=\"Channel:0:{i}\" SamplesPerPixel=\"1\"");
    if let Some(look) = look {
        let _ = write!(text, " Name=\"{}\"", escaped(&look.name));
        if let Some([r, g, b]) = look.rgb {
            let _ = write!(text, " Color=\"{}\"", i32::from_be_bytes([r, g, b, 255]));
        }
    }
    text + "/>"
}

/// Text as an attribute holds it, in ASCII; what XML has no place for is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            ' '..='~' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => _ = write!(escaped, "&#{};", u32::from(c)),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_attributes() {
        assert_eq!(escaped("a<b> & \"µ\u{1}\u{fffe}𝄞\""), "a&lt;b&gt; &amp; &quot;&#181;&#119070;&quot;");
    }
}
