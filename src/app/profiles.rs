//! The limits of quality as a user keeps them: those in force, and named ones for each rig.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::memory::lenient;
use crate::qc::{Code, Limits};

/// The name of the limits that come with the program. They cannot be replaced.
const BUILT_IN: &str = "default";
/// Names and numbers of profiles that a person can still tell apart.
const MAX_NAME: usize = 40;
const MAX_PROFILES: usize = 50;

/// Limits in force, and the profiles there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Profiles {
    limits: Limits,
    name: String,
    saved: BTreeMap<String, Limits>,
    names: Vec<String>,
}

impl Default for Profiles {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            name: BUILT_IN.to_owned(),
            saved: BTreeMap::new(),
            names: vec![BUILT_IN.to_owned()],
        }
    }
}

impl Profiles {
    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The profile they were taken from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All profiles, the built-in one first.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the limits in force differ from those of their profile.
    pub fn is_changed(&self) -> bool {
        self.limits != self.profile()
    }

    /// Changes a limit that is in force. What is no number changes nothing.
    pub fn set(&mut self, code: Code, is_alarm: bool, value: Option<f64>) {
        if let Some(limit) = self.limits.of_mut(code)
            && value.is_none_or(f64::is_finite)
        {
            *(if is_alarm { &mut limit.alarm } else { &mut limit.warn }) = value;
        }
    }

    /// Both limits of a measure as they are in the profile.
    pub fn reset(&mut self, code: Code) {
        let kept = self.profile().of(code);
        if let (Some(limit), Some(kept)) = (self.limits.of_mut(code), kept) {
            *limit = kept;
        }
    }

    /// Takes the limits of a profile.
    pub fn choose(&mut self, name: &str) {
        if self.names.iter().any(|known| known == name) {
            self.name = name.to_owned();
            self.limits = self.profile();
        }
    }

    /// Keeps the limits in force under a name. An empty name, or that of the built-in ones, keeps nothing.
    pub fn save(&mut self, name: &str) {
        let name: String = name.trim().chars().take(MAX_NAME).collect();
        let has_room = self.saved.contains_key(&name) || self.saved.len() < MAX_PROFILES;
        if !name.is_empty() && name != BUILT_IN && has_room {
            self.saved.insert(name.clone(), self.limits.clone());
            self.name = name;
            self.list();
        }
    }

    /// Forgets a profile. The limits in force stay as they are.
    pub fn remove(&mut self, name: &str) {
        self.saved.remove(name);
        if self.name == name {
            self.name = BUILT_IN.to_owned();
        }
        self.list();
    }

    /// As it is written.
    pub fn to_json(&self) -> Value {
        json!({ "limits": self.limits, "name": self.name, "profiles": self.saved })
    }

    /// What of a written form makes sense.
    pub fn from_json(value: Option<&Value>) -> Self {
        let field = |name: &str| value.and_then(|value| value.get(name));
        let empty = Map::new();
        let saved = field("profiles").and_then(Value::as_object).unwrap_or(&empty);
        let mut profiles = Self::default();
        for (name, limits) in saved.iter().filter(|(name, _)| !name.is_empty() && *name != BUILT_IN) {
            profiles.saved.insert(name.clone(), lenient(&Limits::default(), Some(limits)));
        }
        profiles.list();
        profiles.choose(field("name").and_then(Value::as_str).unwrap_or(BUILT_IN));
        profiles.limits = lenient(&profiles.limits, field("limits"));
        profiles
    }

    fn profile(&self) -> Limits {
        self.saved.get(&self.name).cloned().unwrap_or_default()
    }

    fn list(&mut self) {
        self.names = std::iter::once(BUILT_IN.to_owned()).chain(self.saved.keys().cloned()).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qc::Limit;

    #[test]
    fn limits_are_changed_taken_back_kept_and_read_again() {
        let mut profiles = Profiles::default();
        profiles.set(Code::Motion, true, Some(8.0));
        profiles.set(Code::Motion, false, Some(f64::NAN));
        profiles.set(Code::Noise, false, Some(1.0));
        assert_eq!(profiles.limits().motion, Limit::new(2.0, 8.0));
        assert!(profiles.is_changed());
        profiles.save("default");
        assert_eq!(profiles.names(), ["default"], "what comes with the program stays");
        profiles.save(" rig 2 ");
        assert_eq!((profiles.name(), profiles.is_changed()), ("rig 2", false));
        profiles.set(Code::Motion, true, None);
        assert_eq!(Profiles::from_json(Some(&profiles.to_json())), profiles);
        profiles.reset(Code::Motion);
        assert_eq!(profiles.limits().motion, Limit::new(2.0, 8.0));
        profiles.choose("default");
        assert_eq!(profiles.limits(), &Limits::default());
        profiles.choose("rig 2");
        profiles.remove("rig 2");
        assert_eq!((profiles.name(), profiles.names().len()), ("default", 1));
        assert_eq!(profiles.limits().motion, Limit::new(2.0, 8.0), "what is in force does not jump");
    }

    #[test]
    fn what_makes_no_sense_in_a_file_costs_nothing_else() {
        let text = r#"{"name": "gone", "limits": {"motion": {"warn": 1.0, "alarm": "much"}, "new": 3},
            "profiles": {"rig": {"z_drift": {"warn": 0.25}, "focus": 7}, "": {}, "odd": 4}}"#;
        let profiles = Profiles::from_json(Some(&serde_json::from_str(text).unwrap()));
        assert_eq!(profiles.names(), ["default", "odd", "rig"]);
        assert_eq!(profiles.limits().motion, Limit::new(1.0, 5.0));
        let mut of_rig = profiles.clone();
        of_rig.choose("rig");
        assert_eq!(of_rig.limits().z_drift.warn, Some(0.25));
        assert_eq!(of_rig.limits().focus, Limits::default().focus);
        assert_eq!(Profiles::from_json(None), Profiles::default());
    }
}
