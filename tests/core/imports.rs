//! The structure of `rust/core`: imports point one way, kernels import next to nothing.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules and folders, each of which may import those before it and none behind it.
const ORDER: [&str; 11] = [
    "error",
    "memory",
    "simd",
    "types",
    "kernels",
    "sizes",
    "frames",
    "threads",
    "resample",
    "slow_fast",
    "patches",
];
/// All that kernels may import of the crate, beside helpers that they share.
const FOR_KERNELS: [&str; 4] = ["error", "memory", "simd", "types"];
/// All that kernels may import of other crates.
const CRATES_FOR_KERNELS: [&str; 2] = ["half", "std"];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Return the Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension() == Some(OsStr::new("rs")) {
            found.push(path);
        }
    }
    found
}

/// Return the files of `rust/core` with the name of the module of the root that each belongs to.
fn core_sources() -> Vec<(String, PathBuf)> {
    let root = repository().join("rust/core");
    let named = sources(&root).into_iter().map(|path| {
        let first = path.strip_prefix(&root).unwrap().iter().next().unwrap();
        let part = Path::new(first).file_stem().unwrap();
        (part.to_str().unwrap().to_owned(), path)
    });
    named.filter(|(part, _)| part != "lib").collect()
}

/// Return what follows each `prefix` in the code of a file, up to the end of the line.
fn following(path: &Path, prefix: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split(prefix).skip(1).map(str::to_owned))
        .collect()
}

/// Return the first name of a path such as `simd::{Level, LevelName};`.
fn first_name(path: &str) -> &str {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
    &path[..end.unwrap_or(path.len())]
}

/// Return all names of a path such as `{simd::Level, types};`.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Return whether a file is the module of the root named `part`, and not a module inside of it.
fn is_own_file(part: &str, path: &Path) -> bool {
    let root = repository().join("rust/core");
    [
        root.join(format!("{part}.rs")),
        root.join(part).join("mod.rs"),
    ]
    .contains(&path.to_owned())
}

#[test]
fn every_module_has_a_place() {
    for (part, path) in core_sources() {
        assert!(ORDER.contains(&part.as_str()), "{}", path.display());
    }
}

#[test]
fn imports_point_one_way() {
    for (part, path) in core_sources() {
        let own = ORDER.iter().position(|name| *name == part).unwrap();
        for import in following(&path, "crate::") {
            let name = first_name(&import);
            let allowed = ORDER[..=own].contains(&name);
            assert!(allowed, "{} imports crate::{import}", path.display());
        }
        // Paths that climb would pass by the names of the root: from a part's own file, one step up.
        let climbing = following(&path, "super::super");
        assert!(
            climbing.is_empty(),
            "{} climbs: {climbing:?}",
            path.display()
        );
        if is_own_file(&part, &path) {
            for import in following(&path, "super::") {
                let other = names(&import).find(|name| *name != part && ORDER.contains(name));
                assert_eq!(other, None, "{} imports super::{import}", path.display());
            }
        }
    }
}

#[test]
fn kernels_import_plain_types_and_shared_helpers_alone() {
    let kernels = repository().join("rust/core/kernels");
    for path in sources(&kernels) {
        for import in following(&path, "crate::") {
            let name = first_name(&import);
            let helper = import.strip_prefix("kernels::").map(first_name);
            let shared = helper.is_some_and(|helper| kernels.join(format!("{helper}.rs")).exists());
            let allowed = FOR_KERNELS.contains(&name) || shared;
            assert!(allowed, "{} imports crate::{import}", path.display());
        }
        let folder = path.parent().unwrap();
        if folder == kernels || path.ends_with("mod.rs") {
            for import in following(&path, "super::") {
                let operation =
                    names(&import).find(|name| kernels.join(name).join("mod.rs").exists());
                assert_eq!(
                    operation,
                    None,
                    "{} imports super::{import}",
                    path.display()
                );
            }
        }
        for import in following(&path, "use ") {
            let name = first_name(&import);
            let own = folder.join(name).exists() || folder.join(format!("{name}.rs")).exists();
            let allowed = ["crate", "super"].contains(&name) || CRATES_FOR_KERNELS.contains(&name);
            assert!(own || allowed, "{} imports {import}", path.display());
        }
    }
}
