//! The scenarios that come with the program.

/// Their names, from the calmest to the worst.
pub const NAMES: [&str; 8] = [
    "quiet-night",
    "saturday-night",
    "crowd-crush",
    "typhoon",
    "earthquake",
    "tracking",
    "reconnect-storm",
    "abuse",
];

/// File and text of one of [`NAMES`].
pub(super) fn text(name: &str) -> Option<(&'static str, &'static str)> {
    macro_rules! file {
        ($name:literal) => {
            (
                concat!("simulator/scenarios/", $name, ".toml"),
                include_str!(concat!("../../scenarios/", $name, ".toml")),
            )
        };
    }
    Some(match name {
        "quiet-night" => file!("quiet-night"),
        "saturday-night" => file!("saturday-night"),
        "crowd-crush" => file!("crowd-crush"),
        "typhoon" => file!("typhoon"),
        "earthquake" => file!("earthquake"),
        "tracking" => file!("tracking"),
        "reconnect-storm" => file!("reconnect-storm"),
        "abuse" => file!("abuse"),
        _ => return None,
    })
}
