//! The look: colours, fonts and the toolkit's own style, all set in one place.

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::epaint::FontColorTransferFunction;
use egui::style::{HandleShape, WidgetVisuals};
use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, FontTweak, Margin, Shadow, Stroke, TextStyle,
};

use super::Theme;

/// The colours of a theme. Panels take them from here and from nowhere else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// Status bar and plots.
    pub bg0: Color32,
    /// Panels.
    pub bg1: Color32,
    /// Fields and buttons.
    pub bg2: Color32,
    /// Pressed things and tracks.
    pub bg3: Color32,
    /// The only borders.
    pub line: Color32,
    /// Values.
    pub t1: Color32,
    /// Labels.
    pub t2: Color32,
    /// Headings and units.
    pub t3: Color32,
    /// Selection, handles, the one thing to press.
    pub accent: Color32,
    /// Text that is chosen or switched on.
    pub accent_text: Color32,
    /// Text on the accent colour.
    pub on_accent: Color32,
    /// Good.
    pub ok: Color32,
    /// Text about what is good.
    pub ok_text: Color32,
    /// Look at this.
    pub warn: Color32,
    /// Text about what to look at.
    pub warn_text: Color32,
    /// Wrong, or live.
    pub bad: Color32,
    /// Text about what is wrong, or live.
    pub bad_text: Color32,
    /// Text on the colours of what to look at and what is wrong.
    pub badge_ink: Color32,
    /// Handles of sliders.
    pub handle: Color32,
    /// Columns of the histogram.
    pub bars: Color32,
    /// From the least to the most under a trace.
    pub env: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

pub(super) const DARK: Tokens = Tokens {
    bg0: rgb(0x111316),
    bg1: rgb(0x181b1f),
    bg2: rgb(0x20242a),
    bg3: rgb(0x2a2f37),
    line: rgb(0x2b3038),
    t1: rgb(0xe8eaed),
    t2: rgb(0xa3abb6),
    t3: rgb(0x828b98),
    accent: rgb(0x4aa8ff),
    accent_text: rgb(0x4aa8ff),
    on_accent: rgb(0x04121f),
    ok: rgb(0x48c78e),
    ok_text: rgb(0x48c78e),
    warn: rgb(0xf2b441),
    warn_text: rgb(0xf2b441),
    bad: rgb(0xff5d5d),
    bad_text: rgb(0xff8d8d),
    badge_ink: rgb(0x17120a),
    handle: rgb(0xe8eaed),
    bars: rgb(0x7d8794),
    env: rgb(0x6f7a88),
};

const LIGHT: Tokens = Tokens {
    bg0: rgb(0xf2f3f5),
    bg1: rgb(0xffffff),
    bg2: rgb(0xeceef1),
    bg3: rgb(0xd6dbe1),
    line: rgb(0xd9dde3),
    t1: rgb(0x16191d),
    t2: rgb(0x4c5561),
    t3: rgb(0x646d79),
    accent: rgb(0x0a6fd1),
    accent_text: rgb(0x0857a6),
    on_accent: rgb(0xffffff),
    ok: rgb(0x1d8a59),
    ok_text: rgb(0x146b44),
    warn: rgb(0x8f5a00),
    warn_text: rgb(0x7a4c00),
    bad: rgb(0xc92a2a),
    bad_text: rgb(0xa81c1c),
    badge_ink: rgb(0xffffff),
    handle: rgb(0xffffff),
    bars: rgb(0x9aa3ae),
    env: rgb(0xa9b2bd),
};

/// Text on the canvas, which is black in both themes, and on the scrim.
pub const ON_CANVAS: Color32 = Color32::from_rgb(0xe8, 0xea, 0xed);
/// Under everything written on a picture: #0b0d10 at 72 %, on which text is readable whatever lies below.
pub const SCRIM: Color32 = Color32::from_rgba_premultiplied(8, 9, 12, 184);
/// Corners of the scrim.
pub const SCRIM_RADIUS: f32 = 4.0;
/// Distance of what is written on a picture from the canvas's edges.
pub const SCRIM_INSET: f32 = 12.0;

/// Black under the canvas.
pub fn canvas_ground(ui: &egui::Ui, rect: egui::Rect) {
    fill(ui, rect, Color32::BLACK);
}

/// Fills a large area with an opaque colour.
pub fn fill(ui: &egui::Ui, rect: egui::Rect, color: Color32) {
    ui.painter().rect_filled(rect, 0.0, color);
}

impl Tokens {
    /// The colours of a theme.
    pub fn of(theme: Theme) -> &'static Self {
        match theme {
            Theme::Dark => &DARK,
            Theme::Light => &LIGHT,
        }
    }

    /// The colours a ui is drawn with.
    pub fn get(ui: &egui::Ui) -> &'static Self {
        if ui.visuals().dark_mode { &DARK } else { &LIGHT }
    }

    /// The accent as a wash behind something.
    pub fn wash(color: Color32) -> Color32 {
        color.gamma_multiply(0.15)
    }
}

/// Weight of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Weight {
    Regular,
    Medium,
    SemiBold,
}

/// A font of the interface.
pub fn font(size: f32, weight: Weight) -> FontId {
    let family = match weight {
        Weight::Regular => FontFamily::Proportional,
        Weight::Medium => FontFamily::Name("medium".into()),
        Weight::SemiBold => FontFamily::Name("semibold".into()),
    };
    FontId::new(size, family)
}

/// The icon font, outlined.
pub fn icon_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("icons".into()))
}

/// The icon font, filled.
pub fn filled_icon_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("icons-fill".into()))
}

/// Loads the fonts and sets the style of both themes, then chooses one. Once at the start.
pub fn install(ctx: &egui::Context, theme: Theme) {
    ctx.set_fonts(fonts());
    for (egui_theme, theme) in [(egui::Theme::Dark, Theme::Dark), (egui::Theme::Light, Theme::Light)] {
        ctx.style_mut_of(egui_theme, |style| set_style(style, theme));
    }
    choose(ctx, theme);
}

/// Switches between the themes that [`install`] has set.
pub fn choose(ctx: &egui::Context, theme: Theme) {
    ctx.set_theme(match theme {
        Theme::Dark => egui::Theme::Dark,
        Theme::Light => egui::Theme::Light,
    });
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let files: [(&str, &'static [u8]); 5] = [
        ("inter", include_bytes!("../../assets/fonts/Inter-Regular.ttf")),
        ("inter-medium", include_bytes!("../../assets/fonts/Inter-Medium.ttf")),
        ("inter-semibold", include_bytes!("../../assets/fonts/Inter-SemiBold.ttf")),
        ("phosphor", include_bytes!("../../assets/icons/Phosphor.ttf")),
        ("phosphor-fill", include_bytes!("../../assets/icons/Phosphor-Fill.ttf")),
    ];
    for (name, bytes) in files {
        let tweak = FontTweak { thin_space_width: 0.75, ..FontTweak::default() };
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes).tweak(tweak)));
    }
    let families = [
        (FontFamily::Proportional, "inter"),
        (FontFamily::Name("medium".into()), "inter-medium"),
        (FontFamily::Name("semibold".into()), "inter-semibold"),
        (FontFamily::Name("icons".into()), "phosphor"),
        (FontFamily::Name("icons-fill".into()), "phosphor-fill"),
    ];
    for (family, first) in families {
        let names = std::iter::once(first.to_owned()).chain(fallback.iter().cloned()).collect();
        fonts.families.insert(family, names);
    }
    fonts
}

fn set_style(style: &mut egui::Style, theme: Theme) {
    let tokens = Tokens::of(theme);
    style.text_styles = BTreeMap::from([
        (TextStyle::Small, font(11.0, Weight::Regular)),
        (TextStyle::Body, font(13.0, Weight::Regular)),
        (TextStyle::Button, font(12.0, Weight::Regular)),
        (TextStyle::Heading, font(20.0, Weight::SemiBold)),
        (TextStyle::Monospace, font(12.0, Weight::Regular)),
    ]);
    style.animation_time = 0.08;
    let spacing = &mut style.spacing;
    spacing.item_spacing = egui::vec2(8.0, 0.0);
    spacing.button_padding = egui::vec2(10.0, 4.0);
    spacing.menu_margin = Margin::same(4);
    spacing.interact_size = egui::vec2(24.0, 24.0);
    spacing.scroll = egui::style::ScrollStyle::thin();
    spacing.tooltip_width = 360.0;
    let interaction = &mut style.interaction;
    interaction.selectable_labels = false;
    interaction.tooltip_delay = 0.5;

    let visuals = &mut style.visuals;
    *visuals = match theme {
        Theme::Dark => egui::Visuals::dark(),
        Theme::Light => egui::Visuals::light(),
    };
    let radius = CornerRadius::same(4);
    let state = |fill: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::NONE,
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let widgets = &mut visuals.widgets;
    widgets.noninteractive = state(tokens.bg1, tokens.t2);
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, tokens.line);
    widgets.inactive = state(tokens.bg2, tokens.t1);
    widgets.hovered = state(tokens.bg3, tokens.t1);
    widgets.active = state(tokens.bg3, tokens.t1);
    widgets.open = state(tokens.bg3, tokens.t1);
    // The toolkit's dark mode thickens light text; this is as thin as it stays readable.
    visuals.text_options.color_transfer_function = match theme {
        Theme::Dark => FontColorTransferFunction::Gamma(0.8),
        Theme::Light => FontColorTransferFunction::Off,
    };
    visuals.handle_shape = HandleShape::Circle;
    visuals.panel_fill = tokens.bg1;
    visuals.window_fill = tokens.bg1;
    visuals.window_stroke = Stroke::new(1.0, tokens.line);
    visuals.window_corner_radius = CornerRadius::same(6);
    visuals.menu_corner_radius = CornerRadius::same(6);
    visuals.extreme_bg_color = tokens.bg0;
    visuals.faint_bg_color = tokens.bg2;
    visuals.text_edit_bg_color = Some(tokens.bg2);
    visuals.selection.bg_fill = tokens.accent.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.0, tokens.t1);
    visuals.hyperlink_color = tokens.accent;
    visuals.warn_fg_color = tokens.warn;
    visuals.error_fg_color = tokens.bad;
    visuals.weak_text_color = Some(tokens.t3);
    let shadow = Shadow { offset: [0, 6], blur: 18, spread: 0, color: Color32::from_black_alpha(96) };
    visuals.popup_shadow = shadow;
    visuals.window_shadow = shadow;
    visuals.text_cursor.stroke = Stroke::new(1.5, tokens.accent);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG defines it.
    fn luminance(color: Color32) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// A translucent colour as it looks on an opaque one.
    fn over(front: Color32, ground: Color32) -> Color32 {
        ground.blend(front)
    }

    #[test]
    fn text_stands_out_from_what_it_is_on() {
        for tokens in [&DARK, &LIGHT] {
            let plain = [tokens.t1, tokens.t2, tokens.t3, tokens.warn_text, tokens.bad_text, tokens.ok_text];
            for text in plain.into_iter().chain([tokens.accent_text]) {
                for ground in [tokens.bg0, tokens.bg1, tokens.bg2] {
                    let ratio = contrast(text, ground);
                    assert!(ratio >= 4.5, "{text:?} on {ground:?}: {ratio:.2}");
                }
            }
            // What is pointed at turns to bg3; headings and units turn brighter there.
            for text in [tokens.t1, tokens.t2, tokens.bad_text, tokens.accent_text] {
                assert!(contrast(text, tokens.bg3) >= 4.5, "{text:?} on {:?}", tokens.bg3);
            }
            // Pills and switched buttons are washes of their own colour, stronger under the pointer.
            let washed = [
                (tokens.ok_text, tokens.ok),
                (tokens.warn_text, tokens.warn),
                (tokens.bad_text, tokens.bad),
                (tokens.t2, tokens.t2),
                (tokens.accent_text, tokens.accent),
            ];
            for (text, wash) in washed {
                for strength in [0.15, 0.18, 0.22] {
                    let ground = over(wash.gamma_multiply(strength), tokens.bg1);
                    let ratio = contrast(text, ground);
                    assert!(ratio >= 4.5, "{text:?} on its wash {ground:?}: {ratio:.2}");
                }
            }
            assert!(contrast(tokens.on_accent, tokens.accent) >= 4.5);
            for ground in [tokens.warn, tokens.bad] {
                assert!(contrast(tokens.badge_ink, ground) >= 4.5, "badge on {ground:?}");
            }
        }
    }

    #[test]
    fn the_scrim_carries_text_on_any_picture() {
        for ground in [Color32::BLACK, Color32::from_gray(128), Color32::WHITE] {
            let scrim = over(SCRIM, ground);
            assert!(contrast(ON_CANVAS, scrim) >= 4.5, "text over {ground:?}");
            // Shapes need 3 : 1; their text is never coloured.
            for shape in [DARK.warn, DARK.accent, DARK.bad_text] {
                assert!(contrast(shape, scrim) >= 3.0, "{shape:?} over {ground:?}");
            }
        }
    }
}
