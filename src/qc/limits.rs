//! The limits beyond which a measure warns or alarms: plain values that a person may change at any moment.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Code;

/// Limits of all measures that have any. `None`: never.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Percent of a plane's voxels at full scale.
    pub saturation: Limit,
    /// Median over the camera's dark level, in read noise; below it is too dark: a warning where it is so in some
    /// planes, an alarm where it is so in whole volumes.
    pub underexposed: Limit,
    /// Shift in the plane, px.
    pub motion: Limit,
    /// Shift along z, planes.
    pub z_drift: Limit,
    /// Change from one timepoint to the next, as a multiple of its running median.
    pub dvars: Limit,
    /// Light lost, percent in 10 minutes (volumes of unknown rate: in 1,000) for a warning, percent in all for
    /// an alarm.
    pub bleaching: Limit,
    /// Sharpness, percent of that of the first volumes; below it is out of focus.
    pub focus: Limit,
    /// suite2p's measure of a sudden jump.
    pub bad_frame: Limit,
    /// Time between two timepoints, as a multiple of its median.
    pub gap: Limit,
}

/// The two limits of one measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Beyond it: a warning.
    pub warn: Option<f64>,
    /// Beyond it: an alarm, and the timepoint does not count as usable.
    pub alarm: Option<f64>,
}

impl Limit {
    /// Both.
    pub const fn new(warn: f64, alarm: f64) -> Self {
        Self { warn: Some(warn), alarm: Some(alarm) }
    }

    /// A warning alone.
    pub const fn warn(warn: f64) -> Self {
        Self { warn: Some(warn), alarm: None }
    }
}

impl Limits {
    /// Limits as a person writes them down: `{"motion": {"warn": 1.5, "alarm": 4}, "dvars": {"alarm": null}}`. What
    /// is not named is as it comes with the program; null is never.
    ///
    /// # Errors
    /// Which name or value cannot be a limit.
    pub fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
        let Value::Object(named) = value else { return Err("has to be an object of limits by their names".into()) };
        let mut limits = Self::default();
        for (name, value) in &named {
            let limit = Code::from_name(name).and_then(|code| limits.of_mut(code)).ok_or_else(|| unknown(name))?;
            let Value::Object(both) = value else { return Err(format!("{name}: has to hold warn, alarm or both")) };
            for (which, value) in both {
                let place = match which.as_str() {
                    "warn" => &mut limit.warn,
                    "alarm" => &mut limit.alarm,
                    _ => return Err(format!("{name}: {which} is neither warn nor alarm")),
                };
                *place =
                    match value {
                        Value::Null => None,
                        value => Some(value.as_f64().filter(|value| value.is_finite() && *value >= 0.0).ok_or_else(
                            || format!("{name}: {which} has to be a number that is not negative, or null for never"),
                        )?),
                    };
            }
        }
        Ok(limits)
    }

    /// Those of a measure, where it has any.
    pub fn of(&self, code: Code) -> Option<Limit> {
        let mut all = self.clone();
        all.of_mut(code).copied()
    }

    /// Those of a measure, to be changed.
    pub fn of_mut(&mut self, code: Code) -> Option<&mut Limit> {
        match code {
            Code::Saturation => Some(&mut self.saturation),
            Code::Underexposed => Some(&mut self.underexposed),
            Code::Motion => Some(&mut self.motion),
            Code::ZDrift => Some(&mut self.z_drift),
            Code::Dvars => Some(&mut self.dvars),
            Code::Bleaching => Some(&mut self.bleaching),
            Code::Focus => Some(&mut self.focus),
            Code::BadFrame => Some(&mut self.bad_frame),
            Code::Gap => Some(&mut self.gap),
            _ => None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            saturation: Limit::new(0.01, 0.1),
            underexposed: Limit::new(3.0, 3.0),
            motion: Limit::new(2.0, 5.0),
            z_drift: Limit::new(0.5, 1.0),
            dvars: Limit::new(3.0, 6.0),
            bleaching: Limit::new(5.0, 20.0),
            focus: Limit::warn(90.0),
            bad_frame: Limit::warn(100.0),
            gap: Limit::new(1.5, 1.5),
        }
    }
}

fn unknown(name: &str) -> String {
    let all = Limits::default();
    let known: Vec<&str> = Code::ALL.into_iter().filter(|code| all.of(*code).is_some()).map(Code::name).collect();
    format!("{name} has no limits; these have: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_as_it_comes_and_null_is_never() {
        let limits = Limits::read(r#"{"motion": {"alarm": 4}, "dvars": {"warn": null}}"#).unwrap();
        let expected =
            Limits { motion: Limit::new(2.0, 4.0), dvars: Limit { warn: None, alarm: Some(6.0) }, ..Limits::default() };
        assert_eq!(limits, expected);
        let written = serde_json::to_string(&expected).unwrap();
        assert_eq!(Limits::read(&written).unwrap(), expected, "as the program writes them");
    }

    #[test]
    fn what_cannot_be_a_limit_is_refused_by_its_name() {
        let cases = [
            ("[1]", "object"),
            ("{", "not JSON"),
            (r#"{"motoin": {"warn": 1}}"#, "motoin has no limits; these have: saturation, underexposed, gap, motion"),
            (r#"{"motion": 3}"#, "motion"),
            (r#"{"motion": {"warm": 3}}"#, "warm"),
            (r#"{"motion": {"warn": "3"}}"#, "number"),
            (r#"{"motion": {"warn": -3}}"#, "not negative"),
        ];
        for (text, reason) in cases {
            let error = Limits::read(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
