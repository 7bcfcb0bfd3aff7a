//! Key files are written whole, private, and never over another.

use std::{fs, os::unix::fs::PermissionsExt};

use keystore::{FileProblem, Kdf, MAX_FILE_BYTES, Password, Secret, web3};

fn sealed(byte: u8) -> web3::Keystore {
    web3::Keystore::seal(&Secret::new([byte; 32]), &Password::from("p"), Kdf::LIGHT).unwrap()
}

#[test]
fn file_written_is_private_and_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("operator.json");
    sealed(1).write(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = web3::Keystore::read_secret(&path, &Password::from("p")).unwrap();
    assert_eq!(secret.expose(), &[1; 32]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn file_that_exists_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("operator.json");
    sealed(1).write(&path).unwrap();
    let refused = sealed(2).write(&path).unwrap_err();
    assert!(matches!(refused.problem, FileProblem::Exists), "{refused}");
    assert!(refused.to_string().contains("operator.json"), "{refused}");
    let kept = web3::Keystore::read_secret(&path, &Password::from("p")).unwrap();
    assert_eq!(kept.expose(), &[1; 32]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn many_writers_of_one_file_leave_exactly_one_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    let written: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (1..=8)
            .map(|byte| {
                let path = &path;
                scope.spawn(move || usize::from(sealed(byte).write(path).is_ok()))
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!(written, 1);
    web3::Keystore::read_secret(&path, &Password::from("p")).unwrap();
}

#[test]
fn error_names_file_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.json");
    let refused = web3::Keystore::read(&missing).unwrap_err();
    assert!(matches!(refused.problem, FileProblem::Io(_)));
    assert!(refused.to_string().contains("missing.json"), "{refused}");

    let large = folder.path().join("large.json");
    fs::write(&large, vec![b' '; MAX_FILE_BYTES as usize + 1]).unwrap();
    let refused = web3::Keystore::read(&large).unwrap_err();
    assert!(matches!(refused.problem, FileProblem::TooLarge { .. }), "{refused}");

    let wrong = folder.path().join("key.json");
    sealed(1).write(&wrong).unwrap();
    let refused = web3::Keystore::read_secret(&wrong, &Password::from("q")).unwrap_err();
    assert!(refused.to_string().contains("key.json: the password is wrong"), "{refused}");
}
