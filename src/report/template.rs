//! Pages from templates: what is filled in is escaped, and what a page shows and runs lies in the page itself.

use std::fmt::Write;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The templates by their names.
const TEMPLATES: [(&str, &str); 4] = [
    ("macros.html", include_str!("templates/macros.html")),
    ("chart.svg", include_str!("templates/chart.svg")),
    ("report.html", include_str!("templates/report.html")),
    ("study.html", include_str!("templates/study.html")),
];

/// The typeface of the program, in the weights that pages use.
const FONTS: [(u32, &[u8]); 3] = [
    (400, include_bytes!("../../assets/fonts/Inter-Regular.ttf")),
    (500, include_bytes!("../../assets/fonts/Inter-Medium.ttf")),
    (600, include_bytes!("../../assets/fonts/Inter-SemiBold.ttf")),
];

/// What every page has.
#[derive(Serialize)]
struct Whole<'a, T> {
    policy: String,
    fonts: String,
    style: String,
    script: &'a str,
    #[serde(flatten)]
    content: &'a T,
}

/// Fills in a template. `style` and `script` are the page's own, and no other script runs in it.
pub fn render(template: &str, style: &str, script: &str, content: &impl Serialize) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let style = format!("{}{style}", include_str!("templates/base.css"));
    let whole = Whole { policy: policy(script), fonts: fonts(), style, script, content };
    let page = TEMPLATES
        .iter()
        .try_for_each(|(name, source)| environment.add_template(name, source))
        .and_then(|()| environment.get_template(template)?.render(Serde(&whole)));
    // The templates are part of the program, and tests render each of them.
    page.unwrap_or_else(|error| {
        format!("<!doctype html><title>Tectum</title><p>this page cannot be written: {error:#}")
    })
}

/// Nothing from elsewhere, and no script but this one.
fn policy(script: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(script.as_bytes()));
    format!(
        "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; \
         base-uri 'none'; form-action 'none'"
    )
}

fn fonts() -> String {
    FONTS.iter().fold(String::new(), |mut css, (weight, font)| {
        let data = STANDARD.encode(font);
        let _ =
            write!(css, "@font-face{{font-family:InterT;font-weight:{weight};src:url(data:font/ttf;base64,{data})}}");
        css
    })
}
