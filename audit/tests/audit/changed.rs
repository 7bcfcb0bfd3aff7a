//! Whatever is changed in an export is found, at the record that was changed, and nothing panics.

use proptest::prelude::*;

use crate::support::*;

fn kind(line: &[u8]) -> &'static str {
    let begins = |kind: &str| line.starts_with(format!("{{\"type\":\"{kind}\"").as_bytes());
    ["genesis", "block", "statement", "key", "response", "end"]
        .into_iter()
        .find(|kind| begins(kind))
        .unwrap()
}

/// The place of the first line of a kind.
fn first(lines: &[Vec<u8>], wanted: &str) -> usize {
    lines.iter().position(|line| kind(line) == wanted).unwrap()
}

/// Changes one hex digit of a field to another one.
fn change_digit(line: &mut [u8], field: &str, from_its_start: usize) {
    let start = format!("\"{field}\":\"0x");
    let text = std::str::from_utf8(line).unwrap();
    let at = text.find(&start).unwrap() + start.len() + from_its_start;
    line[at] = if line[at] == b'0' { b'1' } else { b'0' };
}

#[test]
fn changed_field_of_each_record_is_found_there() {
    let original = lines(export());
    for (record, field, digit) in [
        ("genesis", "ledger_id", 5),
        ("genesis", "salt", 5),
        ("genesis", "consensus_key", 20),
        ("block", "body", 0),
        ("block", "body", 63),
        ("block", "body", 200),
        ("block", "certificate", 3),
        ("block", "certificate", 30),
        ("block", "certificate", 150),
        ("block", "certificate", 250),
        ("statement", "job", 8),
        ("statement", "bytes", 8),
        ("key", "bytes", 100),
        ("response", "bytes", 2),
        ("response", "bytes", 120),
        ("response", "bytes", 650),
        ("end", "state_digest", 9),
        ("end", "keccak256", 9),
    ] {
        let mut changed = original.clone();
        let at = first(&changed, record);
        change_digit(&mut changed[at], field, digit);
        let found = findings(&changed.concat());
        let there = found.iter().any(|(number, _)| *number == at as u64 + 1);
        assert!(there, "{record}.{field}: {found:?}");
    }
}

#[test]
fn file_that_is_cut_off_anywhere_is_found() {
    let file = export();
    let ends: Vec<usize> = (0..file.len()).filter(|at| file[*at] == b'\n').collect();
    // The later the cut, the dearer the audit: early ones at each line, then a few.
    let early = ends.iter().take(6);
    for end in early.chain(ends.iter().rev().skip(1).step_by(12)) {
        for cut in [end - 20, *end, end + 1] {
            assert!(refuted(&file[..cut]), "cut at {cut}");
        }
    }
    let found = findings(&file[..ends[3] + 1]);
    assert_eq!(found, [(5, "the file ends here, without an end record: it is cut off".into())]);
}

#[test]
fn swapped_removed_or_repeated_records_are_found() {
    let original = lines(export());
    let wanted = ["statement", "key", "response", "end"];
    let each = (1..original.len())
        .filter(|at| *at < 4 || *at % 16 == 0 || wanted.contains(&kind(&original[*at])));
    for at in each {
        let mut removed = original.clone();
        removed.remove(at);
        assert!(refuted(&removed.concat()), "without record {}", at + 1);
        let mut repeated = original.clone();
        repeated.insert(at, original[at].clone());
        assert!(refuted(&repeated.concat()), "record {} twice", at + 1);
        if at + 1 < original.len() {
            let mut swapped = original.clone();
            swapped.swap(at, at + 1);
            assert!(refuted(&swapped.concat()), "records {} and {} swapped", at + 1, at + 2);
        }
    }
    let mut far = original.clone();
    far.swap(2, 10);
    assert_eq!(findings(&far.concat())[0].0, 3);
}

#[test]
fn other_spellings_of_a_record_are_found_there() {
    let original = lines(export());
    let respelled = |at: usize, from: &str, to: &str| {
        let mut changed = original.clone();
        let text = String::from_utf8(changed[at].clone()).unwrap();
        assert!(text.contains(from));
        changed[at] = text.replacen(from, to, 1).into_bytes();
        let found = findings(&changed.concat());
        assert_eq!(found[0].0, at as u64 + 1, "{found:?}");
    };
    respelled(1, "\"height\":1,", "\"height\": 1,");
    respelled(1, "\"height\":1,", "\"height\":1,\"more\":0,");
    respelled(1, "a", "A");
    respelled(original.len() - 1, "}\n", "} \n");
}

#[test]
fn file_that_goes_on_after_its_end_is_found() {
    for more in [b"\n".as_slice(), b"x", export()] {
        let found = findings(&[export(), more].concat());
        assert_eq!(found[0].1, "the file goes on after its end record");
    }
}

#[test]
fn file_of_another_format_is_unusable() {
    for file in [b"".as_slice(), b"{}\n", &[0; 4096], &export()[1..]] {
        assert!(audit(file).is_err());
    }
    let other =
        String::from_utf8(export().to_vec()).unwrap().replacen("version\":1", "version\":2", 1);
    assert!(audit(other.as_bytes()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bits_are_found(place: prop::sample::Index, bits in 1..=255u8) {
        let mut changed = export().to_vec();
        let at = place.index(changed.len());
        changed[at] ^= bits;
        prop_assert!(refuted(&changed), "byte {at} xor {bits}");
    }

    #[test]
    fn any_bytes_put_in_are_found(place: prop::sample::Index, bytes: [u8; 3]) {
        let mut changed = export().to_vec();
        let at = place.index(changed.len());
        changed.splice(at..at, bytes);
        prop_assert!(refuted(&changed), "bytes put in at {at}");
    }
}
