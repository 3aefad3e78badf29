//! Desks, and who sees what.

use protocol::{DeskId, JurisdictionId, OfficerId};

use crate::board::Incident;
use crate::jurisdiction::JurisdictionMap;

/// Where officers sign in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Desk {
    /// The station of a jurisdiction.
    Station(JurisdictionId),
    /// The room of a provincial agency.
    Province(String),
    /// The desk that answers for whatever nobody else does.
    National,
}

/// The text names no desk.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no desk: write `station:ID`, `province:AGENCY` or `national`")]
pub struct InvalidDesk(String);

impl Desk {
    /// Reads `station:…`, `province:…` or `national`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, InvalidDesk> {
        match text.split_once(':') {
            Some(("station", id)) if !id.is_empty() => Ok(Self::Station(JurisdictionId::new(id))),
            Some(("province", agency)) if !agency.is_empty() => {
                Ok(Self::Province(agency.to_owned()))
            }
            None if text == "national" => Ok(Self::National),
            _ => Err(InvalidDesk(text.to_owned())),
        }
    }

    /// The desk's id.
    #[must_use]
    pub fn id(&self) -> DeskId {
        match self {
            Self::Station(jurisdiction) => DeskId::station(jurisdiction),
            Self::Province(agency) => DeskId::province(agency),
            Self::National => DeskId::national(),
        }
    }

    /// The word for its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Station(_) => "station",
            Self::Province(_) => "province",
            Self::National => "national",
        }
    }

    /// What an officer reads, by the map.
    #[must_use]
    pub fn name(&self, map: &JurisdictionMap) -> String {
        match self {
            Self::Station(jurisdiction) => map
                .name(jurisdiction)
                .unwrap_or(jurisdiction.as_str())
                .to_owned(),
            Self::Province(agency) => agency.clone(),
            Self::National => NATIONAL_NAME.to_owned(),
        }
    }

    /// Whether the map knows this desk; nobody would ever be shown anything at another.
    #[must_use]
    pub fn is_on(&self, map: &JurisdictionMap) -> bool {
        match self {
            Self::Station(id) => map.jurisdictions().contains(&id),
            Self::Province(agency) => map
                .jurisdictions()
                .iter()
                .any(|id| map.agency(id) == Some(agency)),
            Self::National => true,
        }
    }

    /// Whether officers of this desk see an incident: a station its own, a provincial room those of
    /// its stations, the national desk all. The same rule for snapshot, events, history and commands.
    #[must_use]
    pub fn sees(&self, incident: &Incident, map: &JurisdictionMap) -> bool {
        self.covers(incident.lifecycle().owner_desk(), map)
    }

    /// Whether officers of this desk see what belongs to `owner`. Every console asks this about every
    /// change, so a station allocates nothing.
    #[must_use]
    pub fn covers(&self, owner: Option<&DeskId>, map: &JurisdictionMap) -> bool {
        let owner = match (self, owner) {
            (Self::National, _) => return true,
            (_, None) => return false,
            (_, Some(owner)) => owner.as_str(),
        };
        match self {
            Self::National => true,
            Self::Station(id) => owner.strip_prefix("station:") == Some(id.as_str()),
            Self::Province(agency) => match owner.split_once(':') {
                Some(("province", owner)) => owner == agency,
                Some(("station", id)) => map.agency(&JurisdictionId::new(id)) == Some(agency),
                _ => false,
            },
        }
    }
}

/// Name of the national desk; the console translates it by its kind.
pub const NATIONAL_NAME: &str = "national";

/// What an officer may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Sees and handles the incidents of their desk.
    Officer,
    /// Sees them, and answers for how they are handled.
    Supervisor,
    /// Only looks: a wall, a trainee.
    Viewer,
}

impl Role {
    /// Reads the word of the users' file.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Officer, Self::Supervisor, Self::Viewer]
            .into_iter()
            .find(|role| role.as_str() == word)
    }

    /// The word of the users' file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Officer => "officer",
            Self::Supervisor => "supervisor",
            Self::Viewer => "viewer",
        }
    }

    /// Whether they may decide about incidents.
    #[must_use]
    pub const fn may_decide(self) -> bool {
        matches!(self, Self::Officer | Self::Supervisor)
    }
}

/// An officer who has signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Officer {
    /// The name under which they sign in.
    pub id: OfficerId,
    /// What others read.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where they sit.
    pub desk: Desk,
}

impl Officer {
    /// Whether they may change what holds for the whole site: supervisors of the national desk may.
    #[must_use]
    pub fn may_change_site(&self) -> bool {
        self.role == Role::Supervisor && self.desk == Desk::National
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jurisdiction::{Authority, DEFAULT_REACH_M, MapParts, Station};
    use protocol::LatLon;

    fn map() -> JurisdictionMap {
        let station = |id: &str, agency: &str| Station {
            jurisdiction: JurisdictionId::new(id),
            name: format!("{id} station"),
            agency: Some(agency.to_owned()),
            at: LatLon::new(37.0, 127.0).unwrap(),
        };
        JurisdictionMap::new(MapParts {
            name: "test".to_owned(),
            authority: Authority::Invented,
            label: None,
            areas: Vec::new(),
            stations: vec![
                station("a", "North"),
                station("b", "North"),
                station("c", "South"),
            ],
            reach_m: DEFAULT_REACH_M,
        })
    }

    #[test]
    fn who_sees_what() {
        let (map, owner) = (map(), DeskId::new("station:a"));
        let table = [
            ("station:a", true),
            ("station:b", false),
            ("station:c", false),
            ("province:North", true),
            ("province:South", false),
            ("national", true),
        ];
        for (desk, sees) in table {
            let desk = Desk::parse(desk).unwrap();
            assert_eq!(desk.covers(Some(&owner), &map), sees, "{desk:?} of {owner}");
            // What nobody has been given yet is the national desk's alone.
            assert_eq!(desk.covers(None, &map), desk == Desk::National);
        }
    }

    #[test]
    fn a_desk_that_is_none_is_refused() {
        for text in ["", "station:", "province:", "nation", "station", "room:a"] {
            assert!(Desk::parse(text).is_err(), "{text}");
        }
    }
}
