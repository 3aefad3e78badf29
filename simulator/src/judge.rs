//! Which desks are right for a place, by the plain loop.

use crate::books::{NATIONAL_DESK, Place, RightDesks};
use crate::plain_loop::{PlainMap, radius_95_m};

/// The desks at which an alert from this place may be, as cards name them.
#[must_use]
pub fn right_desks(map: &PlainMap, place: &Place) -> RightDesks {
    let radius_m = radius_95_m(place.radius, place.confidence);
    let owners = map.owners_of_circle(place.at, radius_m);
    if owners.is_empty() {
        return RightDesks::from([NATIONAL_DESK.to_owned()]);
    }
    let desk = |id| format!("station:{id}");
    owners.into_iter().map(desk).collect()
}

/// Whether an incident may be at this desk when its phone has been at any of these places; as long as it
/// had said none, it was the national desk's.
#[must_use]
pub fn is_right_desk(map: &PlainMap, desk: &str, places: &[Option<Place>]) -> bool {
    places.iter().any(|place| match place {
        Some(place) => right_desks(map, place).contains(desk),
        None => desk == NATIONAL_DESK,
    })
}
