//! The renderer: owns every GPU object.
