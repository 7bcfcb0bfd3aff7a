//! Every target over its seeds, over what once failed, and over mutations of both: without libFuzzer.

use std::{
    fs,
    path::{Path, PathBuf},
};

use assay_fuzz::{TARGETS, Target};

/// Mutations tried of each input.
const MUTATIONS: usize = 24;
/// The most bytes of all seeds of a target.
const SEEDS_BYTES_MAX: usize = 128 * 1024;

fn folder(kind: &str, target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target.name)
}

/// Files of a folder by name; none when there is no folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn seeds_are_those_that_the_targets_make() {
    for target in TARGETS {
        let folder = folder("corpus", target);
        let mut seeds: Vec<(String, Vec<u8>)> =
            target.seeds().into_iter().map(|seed| (seed.name, seed.bytes)).collect();
        seeds.sort();
        assert!(seeds.len() >= 2, "{} has {} seeds", target.name, seeds.len());
        let bytes: usize = seeds.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= SEEDS_BYTES_MAX, "{} has {bytes} bytes of seeds", target.name);
        for (name, bytes) in &seeds {
            let (longest, length) = (target.input_bytes_max, bytes.len());
            assert!(length <= longest, "{}/{name} has {length} bytes", target.name);
        }
        let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
            files.iter().map(|(name, _)| name.clone()).collect()
        };
        let committed = files(&folder);
        assert_eq!(names(&committed), names(&seeds), "{}", target.name);
        for ((name, committed), (_, made)) in committed.iter().zip(&seeds) {
            assert!(committed == made, "{}/{name}: run `cargo xtask fuzz --seeds`", target.name);
        }
    }
}

#[test]
fn targets_take_their_seeds_what_once_failed_and_mutations_of_both() {
    for target in TARGETS {
        target.warm_up();
        let inputs = [files(&folder("corpus", target)), files(&folder("regressions", target))];
        for (name, bytes) in inputs.concat() {
            println!("{}/{name}", target.name);
            target.run(&bytes);
            for mutation in 0..MUTATIONS {
                target.run(&mutated(&bytes, mutation as u64));
            }
        }
    }
}

/// A byte changed, a part cut out, or a part doubled.
fn mutated(bytes: &[u8], mutation: u64) -> Vec<u8> {
    let mut state = mutation.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ bytes.len() as u64;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit.max(1) as u64) as usize
    };
    let mut out = bytes.to_vec();
    let at = below(out.len());
    let end = (at + below(64)).min(out.len());
    match mutation % 3 {
        0 => {
            if let Some(byte) = out.get_mut(at) {
                *byte ^= 1 << below(8);
            }
        }
        1 => drop(out.drain(at..end)),
        _ => {
            let part = out[at..end].to_vec();
            out.splice(at..at, part);
        }
    }
    out
}
