//! Whose place is it? Maps of jurisdictions, how they are read, and the index that answers.

pub mod build;
mod load;
mod map;

pub use load::{FeatureLabel, IdProperties, LoadError, Loaded, MapWarning, Refusal, load};
pub use map::{Area, Authority, DEFAULT_REACH_M, JurisdictionMap, MapParts, Station};
