//! A guest that no test names is dead weight, or a behaviour that nobody checks.

use std::path::Path;

use portcullis_tests::components::workspace;

/// Text of every Rust file under `folder`.
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(extension) if extension == "rs" => std::fs::read_to_string(path).unwrap(),
        _ => String::new(),
    });
    texts.collect()
}

#[test]
fn every_guest_is_named_by_a_test() {
    let tests = ["tests/it", "tests/src"].map(|folder| sources(&workspace().join(folder))).concat();
    let examples = std::fs::read_dir(workspace().join("tests/guests/examples")).unwrap();
    let names = examples.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    let unnamed: Vec<String> = names.filter(|name| !tests.contains(&format!("guest!(\"{name}\")"))).collect();
    assert!(unnamed.is_empty(), "no test in tests/it, and nothing in tests/src for them, says guest!(\"…\") for: {unnamed:?}");
}

#[test]
fn every_guest_is_a_target_of_its_package() {
    let manifest = std::fs::read_to_string(workspace().join("tests/guests/Cargo.toml")).unwrap();
    for entry in std::fs::read_dir(workspace().join("tests/guests/examples")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            manifest.contains(&format!("name = \"{name}\"\ncrate-type = [\"cdylib\"]")),
            "tests/guests/Cargo.toml lacks [[example]] {name}"
        );
    }
}
