//! A source seen as (t, z, y, x): geometry without IO, and assembling chunks into planes and volumes.
