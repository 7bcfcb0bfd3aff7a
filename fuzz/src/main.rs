//! What libFuzzer drives: the target that `ASSAY_FUZZ_TARGET` names, over and over. `list` lists the
//! targets instead, `seeds` writes their seeds.
//!
//! One binary holds all targets, so that it is linked once.

#![no_main]
// libFuzzer finds its callbacks by C symbols, which the macro exports.
#![allow(unsafe_code)]

use std::{fs, io, path::Path, process::exit, sync::OnceLock};

use assay_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fn choose() {
    let name = std::env::var("ASSAY_FUZZ_TARGET").unwrap_or_default();
    match name.as_str() {
        "list" => {
            for target in TARGETS {
                println!("{} {}", target.name, target.input_bytes_max);
            }
            exit(0);
        }
        "seeds" => {
            let written = TARGETS.iter().try_for_each(write_seeds);
            written.unwrap_or_else(|error| panic!("seeds cannot be written: {error}"));
            exit(0);
        }
        name => {
            let target = assay_fuzz::find(name)
                .unwrap_or_else(|| panic!("{name:?} is no target; use `cargo xtask fuzz`"));
            target.warm_up();
            let _ = TARGET.set(target);
        }
    }
}

/// Replaces the target's folder of seeds.
fn write_seeds(target: &Target) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    target.seeds().iter().try_for_each(|seed| fs::write(folder.join(&seed.name), &seed.bytes))
}

fuzz_target!(init: choose(), |bytes: &[u8]| {
    if let Some(target) = TARGET.get() {
        target.run(bytes);
    }
});
