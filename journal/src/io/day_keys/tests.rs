use std::os::unix::fs::PermissionsExt;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn same(a: &DayKey, b: &DayKey) -> bool {
    a.expose() == b.expose()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_key_is_made_once_with_mode_600_and_found_by_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("keys");
    let keys = DayKeys::open(&folder).unwrap();
    assert!(keys.get(Day(5)).unwrap().is_none());
    let made = keys.get_or_create(Day(5), &mut rng(1)).unwrap();
    assert!(same(
        &made,
        &keys.get_or_create(Day(5), &mut rng(2)).unwrap()
    ));
    let other_process = DayKeys::open(&folder).unwrap();
    assert!(same(
        &made,
        &other_process.get_or_create(Day(5), &mut rng(3)).unwrap()
    ));
    assert!(!same(
        &made,
        &keys.get_or_create(Day(6), &mut rng(4)).unwrap()
    ));
    assert_eq!(
        files(&folder),
        ["5.key", "6.key"],
        "nothing temporary stays"
    );
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("5.key"))), (0o700, 0o600));
}

#[test]
fn a_maker_that_comes_second_takes_the_first_ones_key() {
    let dir = tempfile::tempdir().unwrap();
    let first = DayKey::generate(&mut rng(1));
    write_new(&dir.path().join("5.key"), &first).unwrap();
    let temporary = dir.path().join("late.new");
    write_new(&temporary, &DayKey::generate(&mut rng(2))).unwrap();
    publish(&temporary, &dir.path().join("5.key")).unwrap();
    assert!(same(
        &first,
        &read_key(&dir.path().join("5.key")).unwrap().unwrap()
    ));
}

#[test]
fn deletion_ends_the_day_here_and_in_other_processes() {
    let dir = tempfile::tempdir().unwrap();
    let here = DayKeys::open(dir.path()).unwrap();
    let there = DayKeys::open(dir.path()).unwrap();
    here.get_or_create(Day(5), &mut rng(1)).unwrap();
    assert!(there.get(Day(5)).unwrap().is_some());
    here.delete(Day(5)).unwrap();
    assert!(here.get(Day(5)).unwrap().is_none());
    there.forget_deleted().unwrap();
    assert!(there.get(Day(5)).unwrap().is_none());
    here.delete(Day(5)).unwrap();
}

#[test]
fn a_damaged_or_exposed_key_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let keys = DayKeys::open(dir.path()).unwrap();
    for (day, length) in [(1, 0), (2, KEY_BYTES - 1), (3, KEY_BYTES + 1)] {
        let path = dir.path().join(format!("{day}.key"));
        std::fs::write(&path, vec![0; length]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let error = keys.get(Day(day)).unwrap_err();
        assert!(matches!(error, DayKeyError::Damaged { .. }), "{error}");
    }
    let path = dir.path().join("4.key");
    std::fs::write(&path, [0; KEY_BYTES]).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = keys.get(Day(4)).unwrap_err();
    assert!(
        matches!(error, DayKeyError::Exposed { mode: 0o640, .. }),
        "{error}"
    );
}

#[test]
fn the_memory_of_keys_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let keys = DayKeys::open(dir.path()).unwrap();
    for day in 0..40 {
        keys.get_or_create(Day(day), &mut rng(day.into())).unwrap();
    }
    assert_eq!(keys.cache().len(), CACHED_KEYS_MAX);
    assert!(
        keys.get(Day(0)).unwrap().is_some(),
        "read again from its file"
    );
}
