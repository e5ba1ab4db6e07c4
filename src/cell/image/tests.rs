use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;
use wasmtime::Config;

use super::*;
use crate::cell::for_compiling;

/// Stands for the digests of two components.
const ONE: &str = "1111";
const OTHER: &str = "2222";

struct Setup {
    folder: TempDir,
    engine: Engine,
    cache: ImageCache,
}

fn key(byte: u8) -> HostKey {
    HostKey::from_bytes([byte; 32])
}

fn code(engine: &Engine, text: &str) -> Vec<u8> {
    let component = wat::parse_str(text).unwrap();
    engine.precompile_component(&component).unwrap()
}

/// A cache in which both components are.
fn setup() -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let engine = for_compiling(false).unwrap();
    let cache = ImageCache::open(folder.path(), &key(1), &engine).unwrap();
    cache.store(ONE, &code(&engine, "(component)")).unwrap();
    let other = "(component (core module))";
    cache.store(OTHER, &code(&engine, other)).unwrap();
    Setup {
        folder,
        engine,
        cache,
    }
}

impl Setup {
    fn image(&self, digest: &str) -> PathBuf {
        self.folder.path().join(self.cache.name(digest))
    }

    fn loads(&self, digest: &str) -> bool {
        self.cache.load(&self.engine, digest).is_some()
    }

    /// Asserts that what is there now is not used, and gives way to what is compiled again.
    #[track_caller]
    fn is_refused_and_replaced(&self, what: &str) {
        assert!(!self.loads(ONE), "{what}");
        let code = code(&self.engine, "(component)");
        self.cache.store(ONE, &code).unwrap();
        assert!(self.loads(ONE), "{what}");
        assert!(self.image(ONE).symlink_metadata().unwrap().is_file());
    }
}

#[test]
fn what_was_stored_is_loaded_again_by_whoever_has_the_key() {
    let setup = setup();
    assert!(setup.loads(ONE) && setup.loads(OTHER));

    let again = ImageCache::open(setup.folder.path(), &key(1), &setup.engine).unwrap();
    assert!(again.load(&setup.engine, ONE).is_some());
    assert!(again.load(&setup.engine, "3333").is_none());
}

#[test]
fn no_bit_of_an_image_can_be_changed() {
    let setup = setup();
    let image = fs::read(setup.image(ONE)).unwrap();

    // Of the MAC, of the header, of the code, and the last one.
    for at in [0, 31, 32, 40, 100, image.len() / 2, image.len() - 1] {
        for bit in [1, 0x80] {
            let mut changed = image.clone();
            changed[at] ^= bit;
            fs::write(setup.image(ONE), changed).unwrap();
            assert!(!setup.loads(ONE), "byte {at}");
        }
    }
    setup.is_refused_and_replaced("the last of them");
}

#[test]
fn an_image_can_be_neither_cut_nor_lengthened() {
    let setup = setup();
    let image = fs::read(setup.image(ONE)).unwrap();

    for length in [0, 1, 31, 32, 33, image.len() / 2, image.len() - 1] {
        fs::write(setup.image(ONE), &image[..length]).unwrap();
        setup.is_refused_and_replaced("a cut image");
    }
    fs::write(setup.image(ONE), [image.as_slice(), b"x"].concat()).unwrap();
    setup.is_refused_and_replaced("a longer image");
}

#[test]
fn an_image_of_one_component_is_not_used_for_another() {
    let setup = setup();

    fs::copy(setup.image(OTHER), setup.image(ONE)).unwrap();

    setup.is_refused_and_replaced("the image of another");
    assert!(setup.loads(OTHER));
}

#[test]
fn an_image_of_somebody_without_the_key_is_refused() {
    let setup = setup();
    let theirs = ImageCache::open(setup.folder.path(), &key(2), &setup.engine).unwrap();

    theirs
        .store(ONE, &code(&setup.engine, "(component)"))
        .unwrap();

    setup.is_refused_and_replaced("an image under another key");
}

#[test]
fn an_image_for_another_engine_is_refused() {
    let setup = setup();
    let mut config = Config::new();
    config.epoch_interruption(false);
    let engine = Engine::new(&config).unwrap();
    let old = ImageCache::open(setup.folder.path(), &key(1), &engine).unwrap();
    assert_ne!(old.engine, setup.cache.engine);
    old.store(ONE, &code(&engine, "(component)")).unwrap();
    assert!(setup.loads(ONE), "it has a name of its own");

    let name = setup.folder.path().join(old.name(ONE));
    fs::rename(name, setup.image(ONE)).unwrap();

    setup.is_refused_and_replaced("an image for another engine");
}

#[test]
fn what_is_no_plain_file_is_neither_followed_nor_waited_for() {
    let setup = setup();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("image");
    let image = setup.image(ONE);
    fs::copy(&image, &target).unwrap();
    let before = fs::read(&target).unwrap();

    fs::remove_file(&image).unwrap();
    symlink(&target, &image).unwrap();
    setup.is_refused_and_replaced("a link, to the right bytes even");

    fs::remove_file(&image).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &image, mode).unwrap();
    setup.is_refused_and_replaced("a pipe");

    fs::remove_file(&image).unwrap();
    fs::create_dir_all(image.join("full/of")).unwrap();
    setup.is_refused_and_replaced("a folder");

    fs::remove_file(&image).unwrap();
    symlink("/dev/zero", &image).unwrap();
    setup.is_refused_and_replaced("a link to a device without end");

    // More than there is memory.
    fs::File::create(&image).unwrap().set_len(1 << 40).unwrap();
    setup.is_refused_and_replaced("a huge file");

    assert_eq!(fs::read(&target).unwrap(), before);
}

#[test]
fn nothing_is_written_through_what_somebody_put_in_the_way() {
    let setup = setup();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("precious");
    fs::write(&target, "precious").unwrap();
    let name = setup.cache.name(ONE);
    let staged = format!("{name}.{}.new", std::process::id());
    let staged = setup.folder.path().join(staged);
    let store = || {
        let code = code(&setup.engine, "(component)");
        setup.cache.store(ONE, &code).unwrap();
        assert!(setup.loads(ONE));
    };

    symlink(&target, &staged).unwrap();
    store();
    fs::create_dir(&staged).unwrap();
    store();
    fs::hard_link(&target, &staged).unwrap();
    store();

    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert_eq!(fs::read_dir(setup.folder.path()).unwrap().count(), 2);
}

#[test]
fn the_folder_and_its_images_are_for_their_owner_alone() {
    let setup = setup();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(setup.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();

    ImageCache::open(setup.folder.path(), &key(1), &setup.engine).unwrap();

    assert_eq!(mode(setup.folder.path()), 0o700);
    assert_eq!(mode(&setup.image(ONE)), 0o600);
}

#[test]
fn code_that_counts_instructions_is_kept_apart_from_code_that_does_not() {
    let engine = |count_fuel| fingerprint(&for_compiling(count_fuel).unwrap());

    assert_eq!(engine(true), engine(true));
    assert_ne!(engine(true), engine(false));
}
