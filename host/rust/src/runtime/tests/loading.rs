use std::path::PathBuf;

use super::{acquire, direct, guest, open, options};
use crate::runtime::{CodeCache, ComponentSource, LoadError, Runtime, RuntimeOptions};

fn load(component: Vec<u8>) -> LoadError {
    let component = ComponentSource::Bytes(component.into());
    Runtime::open(&RuntimeOptions { component, ..options() }).expect_err("it is not of the world")
}

/// A directory of this test's own, without anything in it.
fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("tidegate-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("temporary files can be made");
    directory
}

fn loads_and_runs(options: &RuntimeOptions) {
    let runtime = Runtime::open(options).expect("it loads");
    let policy = open(&runtime, guest::DECIDES);
    acquire(&runtime, &policy, &mut direct()).expect("it runs");
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    for bytes in [&b""[..], b"no wasm", b"\0asm\x01\0\0\0", &guest::component(guest::POLICY)[..1_000]] {
        let error = load(bytes.to_vec());
        assert!(matches!(error, LoadError::NotAComponent(_)), "{error}");
    }
}

#[test]
fn a_component_without_our_exports_is_refused_by_the_name_of_one() {
    let error = load(guest::stranger("package a:b; world w { export run: func(); }", "(func (export \"run\"))"));
    assert!(matches!(&error, LoadError::MissingExport(name) if name == "tidegate:policy/rate-limiter"), "{error}");
}

#[test]
fn a_component_that_imports_more_than_a_policy_may_is_refused_by_the_name_of_it() {
    let worlds = [
        ("package a:b; interface net { dial: func(); } world w { import net; }", "a:b/net", "a:b/net"),
        ("package a:b; world w { import dial: func(); }", "$root", "dial"),
    ];
    for (wit, module, name) in worlds {
        let error = load(guest::stranger(wit, &format!("(import \"{module}\" \"dial\" (func))")));
        assert!(matches!(&error, LoadError::ForeignImport(import) if import == name), "{error}");
    }
}

#[test]
fn a_component_of_another_version_of_the_contract_is_refused() {
    let wit = "
        package tidegate:policy@0.1.0;
        interface kv { forget-all: func(); }
        interface rate-limiter { limit: func(); }
        interface circuit-breaker { guard: func(); }
        interface nodes { registry: func(); }
        world w { import kv; export rate-limiter; export circuit-breaker; export nodes; }";
    let exports = "
        (func (export \"tidegate:policy/rate-limiter@0.1.0#limit\"))
        (func (export \"tidegate:policy/circuit-breaker@0.1.0#guard\"))
        (func (export \"tidegate:policy/nodes@0.1.0#registry\"))";
    let import = "(import \"tidegate:policy/kv@0.1.0\" \"forget-all\" (func))";
    let foreign = load(guest::stranger(wit, &format!("{import}{exports}")));
    assert!(matches!(&foreign, LoadError::OtherContract(why) if why.contains("forget-all")), "{foreign}");
    let other = load(guest::stranger(wit, exports));
    assert!(matches!(&other, LoadError::OtherContract(_)), "{other}");
}

#[test]
fn a_component_is_loaded_from_a_file() {
    let directory = directory("file");
    let path = directory.join("policy.wasm");
    let options = RuntimeOptions { component: ComponentSource::File(path.clone()), ..options() };
    let error = Runtime::open(&options).expect_err("there is no such file");
    assert!(matches!(&error, LoadError::Unreadable { path: missing, .. } if *missing == path), "{error}");
    std::fs::write(&path, &**super::POLICY).expect("temporary files can be written");
    loads_and_runs(&options);
    std::fs::remove_dir_all(directory).expect("temporary files can be removed");
}

#[test]
fn compiled_code_is_kept_and_used_again_and_thrown_away_when_it_is_spoilt() {
    let directory = directory("cache");
    let options = RuntimeOptions { cache: CodeCache::Directory(directory.clone()), ..options() };
    loads_and_runs(&options);
    let kept = files(&directory);
    assert!(!kept.is_empty());
    loads_and_runs(&options);
    assert_eq!(files(&directory), kept);
    for file in &kept {
        std::fs::write(file, b"spoilt").expect("temporary files can be written");
    }
    loads_and_runs(&options);
    // The cache's own thread may still be writing there, and then what it writes is left to the
    // system to clean up.
    let _ = std::fs::remove_dir_all(directory);
}

#[test]
fn a_cache_that_cannot_be_used_is_done_without() {
    let directory = directory("no-cache");
    let file = directory.join("file");
    std::fs::write(&file, b"").expect("temporary files can be written");
    for cache in [file.join("below"), PathBuf::from("relative")] {
        loads_and_runs(&RuntimeOptions { cache: CodeCache::Directory(cache), ..options() });
    }
    loads_and_runs(&RuntimeOptions { cache: CodeCache::Off, ..options() });
    std::fs::remove_dir_all(directory).expect("temporary files can be removed");
}

/// The files with compiled code below `directory`, in order.
fn files(directory: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("it is there").map(|entry| entry.expect("it is there").path());
    let mut files: Vec<_> = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    // Beside the code the cache writes how often it was used, and when it last cleaned up.
    files.retain(|file| file.extension().is_none());
    files.sort();
    files
}
