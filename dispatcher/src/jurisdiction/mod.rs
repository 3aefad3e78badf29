//! Whose place is it? Maps of jurisdictions, how they are read, and the index that answers.

mod answer;
pub mod build;
mod cells;
mod change;
mod cover;
mod earth;
mod index;
mod inside;
mod load;
mod map;
mod nearest;
mod stripes;
mod surface;
mod survey;
mod uncertainty;
mod way;

pub use answer::{Answer, OtherAnswer};
pub use change::{
    AreaChange, LEAST_ORPHAN_M2, LEAST_PIECE_M2, MapChange, ORPHAN_BEYOND_M, Orphan, Patch,
};
pub use index::{JurisdictionIndex, MAX_RUNNERS_UP, NATIONAL_REACH_M};
pub use load::{
    FeatureLabel, IdProperties, LoadError, Loaded, MAX_MAP_BYTES, MapWarning, Refusal, load,
};
pub use map::{Area, Authority, DEFAULT_REACH_M, JurisdictionMap, MapParts, Station};
pub use surface::surface_m2;
pub use survey::{FAR_STATION_M, Gap, LEAST_M2, Notice, Overlap, Small, Survey, survey};
pub use uncertainty::{Ellipse, MAX_SHAPE_CORNERS, Shape, ShapeError};
