//! Where a phone says it is, and how far that can be trusted.

use std::fmt;

use crate::UnixMillis;

/// A place on the WGS84 ellipsoid, in degrees; always finite and in range.
///
/// It can be compared and computed with, and it does not print itself: a location never reaches a
/// log line by accident.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct LatLon {
    lat_deg: f64,
    lon_deg: f64,
}

/// Degrees times 10⁷ is how the wire writes a coordinate: 1.1 cm at the equator.
const E7: f64 = 1e7;

impl LatLon {
    /// Takes degrees, latitude first.
    ///
    /// # Errors
    /// When a value is not finite, or the latitude is beyond ±90, or the longitude beyond ±180.
    pub fn new(lat_deg: f64, lon_deg: f64) -> Result<Self, Unusable> {
        if !lat_deg.is_finite() || !lon_deg.is_finite() {
            return Err(Unusable::NotFinite);
        }
        if lat_deg.abs() > 90.0 || lon_deg.abs() > 180.0 {
            return Err(Unusable::OutOfRange);
        }
        Ok(Self { lat_deg, lon_deg })
    }

    /// Reads the wire's integers.
    ///
    /// # Errors
    /// As [`LatLon::new`].
    pub fn from_e7(lat_e7: i32, lon_e7: i32) -> Result<Self, Unusable> {
        Self::new(f64::from(lat_e7) / E7, f64::from(lon_e7) / E7)
    }

    /// The wire's integers, latitude first, rounded to the nearest.
    #[must_use]
    pub fn to_e7(self) -> (i32, i32) {
        (
            (self.lat_deg * E7).round() as i32,
            (self.lon_deg * E7).round() as i32,
        )
    }

    /// Latitude in degrees, north positive.
    #[must_use]
    pub fn lat_deg(self) -> f64 {
        self.lat_deg
    }

    /// Longitude in degrees, east positive.
    #[must_use]
    pub fn lon_deg(self) -> f64 {
        self.lon_deg
    }

    /// Whether this is 0°, 0°, which phones send when they know nothing.
    #[must_use]
    pub fn is_null_island(self) -> bool {
        const NULL_ISLAND_DEG: f64 = 1e-4; // 11 m: rounding of the sender, far from any coast
        self.lat_deg.abs() < NULL_ISLAND_DEG && self.lon_deg.abs() < NULL_ISLAND_DEG
    }
}

impl fmt::Debug for LatLon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LatLon(…)")
    }
}

/// Radius of the circle in which the phone is with the probability of [`Position::confidence`].
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct RadiusMetres(f64);

impl RadiusMetres {
    /// Half of the Earth's circumference: any wider circle is the whole Earth.
    pub const MAX: Self = Self(20_037_508.0);

    /// Takes metres.
    ///
    /// # Errors
    /// When it is negative or not finite; wider than [`RadiusMetres::MAX`] becomes that.
    pub fn new(metres: f64) -> Result<Self, Unusable> {
        if !metres.is_finite() || metres < 0.0 {
            return Err(Unusable::NotFinite);
        }
        Ok(Self(metres.min(Self::MAX.0)))
    }

    /// In metres.
    #[must_use]
    pub fn metres(self) -> f64 {
        self.0
    }
}

impl fmt::Debug for RadiusMetres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RadiusMetres(…)")
    }
}

/// Probability in percent that the phone is within its radius; above 0 and below 100.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct ConfidencePercent(f64);

impl ConfidencePercent {
    /// Takes percent; `None` outside the open interval of 0 to 100 (RFC 7459, section 3.2).
    #[must_use]
    pub fn new(percent: f64) -> Option<Self> {
        (percent > 0.0 && percent < 100.0).then_some(Self(percent))
    }

    /// In percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        self.0
    }
}

/// What a fix was made from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Source {
    /// The phone did not say, or in a word that we do not know.
    #[default]
    Unknown,
    /// A satellite system.
    Gnss,
    /// Wireless networks around.
    Wifi,
    /// The mobile network's cells.
    Cell,
    /// A mixture that the phone's system made.
    Fused,
    /// Put in by hand, or registered.
    Manual,
}

/// What an altitude is measured from. In Korea the two differ by 20 to 30 m, several floors.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Datum {
    /// The phone did not say.
    #[default]
    Unknown,
    /// The WGS84 ellipsoid.
    Ellipsoid,
    /// Mean sea level.
    SeaLevel,
}

/// Height of the phone.
#[derive(Clone, Copy, PartialEq)]
pub struct Altitude {
    /// Metres above the datum.
    pub metres: f64,
    /// What it is measured from.
    pub datum: Datum,
    /// Vertical uncertainty in metres, where the phone knows it.
    pub uncertainty_m: Option<f64>,
}

impl fmt::Debug for Altitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Altitude(…)")
    }
}

/// A place with all that the phone said about how it knows. Unknown is absent, never zero.
#[derive(Clone, PartialEq, Debug)]
pub struct Position {
    /// The middle of the uncertain circle.
    pub at: LatLon,
    /// How wide the circle is.
    pub radius: Option<RadiusMetres>,
    /// How sure the phone is of the circle.
    pub confidence: Option<ConfidencePercent>,
    /// When the fix was made, by the phone's clock.
    pub fix_at: Option<UnixMillis>,
    /// What it was made from.
    pub source: Source,
    /// Height.
    pub altitude: Option<Altitude>,
    /// The floor, in the words in which the phone sent it.
    pub floor: Option<String>,
    /// Speed over ground in metres per second.
    pub speed_mps: Option<f64>,
    /// Direction of movement in degrees clockwise from true north, 0 up to 360.
    pub bearing_deg: Option<f64>,
    /// The phone's system says that an app made this position up.
    pub mocked: bool,
    /// The person allows only a coarse position.
    pub coarse: bool,
}

impl Position {
    /// A place and nothing known about it.
    #[must_use]
    pub fn at(at: LatLon) -> Self {
        Self {
            at,
            radius: None,
            confidence: None,
            fix_at: None,
            source: Source::Unknown,
            altitude: None,
            floor: None,
            speed_mps: None,
            bearing_deg: None,
            mocked: false,
            coarse: false,
        }
    }
}

/// Why a position that a phone sent says nothing about where it is. The alert stands all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unusable {
    /// Not a number, or infinite.
    #[error("a coordinate or radius is not a finite number")]
    NotFinite,
    /// Latitude beyond ±90 degrees or longitude beyond ±180.
    #[error("latitude must lie within ±90 degrees and longitude within ±180")]
    OutOfRange,
    /// 0°, 0°: what a phone sends when it knows nothing.
    #[error("0°, 0° is what a phone sends when it knows nothing")]
    NullIsland,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_once_for_all() {
        assert_eq!(LatLon::new(f64::NAN, 0.0), Err(Unusable::NotFinite));
        assert_eq!(LatLon::new(0.0, f64::INFINITY), Err(Unusable::NotFinite));
        assert_eq!(LatLon::new(90.1, 0.0), Err(Unusable::OutOfRange));
        assert_eq!(LatLon::new(0.0, -180.1), Err(Unusable::OutOfRange));
        assert!(LatLon::new(-90.0, 180.0).is_ok());
    }

    #[test]
    fn the_wire_keeps_seven_decimals() {
        let city_hall = LatLon::new(37.566_3, 126.977_9).unwrap();
        assert_eq!(city_hall.to_e7(), (375_663_000, 1_269_779_000));
        assert_eq!(LatLon::from_e7(375_663_000, 1_269_779_000), Ok(city_hall));
    }

    #[test]
    fn a_location_does_not_print_itself() {
        let position = Position {
            radius: RadiusMetres::new(12.5).ok(),
            altitude: Some(Altitude {
                metres: 38.25,
                datum: Datum::SeaLevel,
                uncertainty_m: None,
            }),
            ..Position::at(LatLon::new(37.566_3, 126.977_9).unwrap())
        };
        let printed = format!("{position:?}");
        for canary in ["37.5", "126.9", "12.5", "38.25"] {
            assert!(!printed.contains(canary), "{canary} in {printed}");
        }
    }

    #[test]
    fn confidence_is_an_open_interval() {
        assert!(ConfidencePercent::new(0.0).is_none());
        assert!(ConfidencePercent::new(100.0).is_none());
        assert!(ConfidencePercent::new(f64::NAN).is_none());
        assert_eq!(
            ConfidencePercent::new(68.0).map(ConfidencePercent::percent),
            Some(68.0)
        );
    }
}
