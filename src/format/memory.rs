//! In-memory and gated sources, for tests and small data.
