//! The map's file, and the report's.

use std::path::Path;

use ansim::map_text;
use anyhow::Context as _;
use dispatcher::jurisdiction::build::exported_json;

use crate::command::WrongUsage;

/// The map's text. Of a JavaScript module its data.
pub(super) fn read(map: &Path) -> Result<String, WrongUsage> {
    let text = map_text::read(map).map_err(|error| WrongUsage(error.to_string()))?;
    Ok(exported_json(&text).map(str::to_owned).unwrap_or(text))
}

/// A report in the place of the map would destroy it.
pub(super) fn refuse_to_overwrite(map: &Path, report: &Path) -> Result<(), WrongUsage> {
    let same = match (map.canonicalize(), report.canonicalize()) {
        (Ok(map), Ok(report)) => map == report,
        _ => false,
    };
    if same {
        return Err(WrongUsage(format!(
            "--report {} is the map itself; name another file",
            report.display()
        )));
    }
    Ok(())
}

/// All or nothing: whoever reads the report meanwhile sees the old one or the new one.
pub(super) fn write(report: &Path, text: &str) -> anyhow::Result<()> {
    let mut unfinished = report.as_os_str().to_owned();
    unfinished.push(format!(".{}.unfinished", std::process::id()));
    let written =
        std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, report));
    if written.is_err() {
        // What is left of it helps nobody; that it could not be written is said below.
        let _ = std::fs::remove_file(&unfinished);
    }
    written.with_context(|| format!("{} cannot be written", report.display()))
}
