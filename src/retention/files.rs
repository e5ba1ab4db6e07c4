//! Files of this node: compiled components, and what builds have left.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use time::OffsetDateTime;

use super::{Gone, Kind, Order, PurgeError, Retention};
use crate::cell::ImageFile;
use crate::launch;
use crate::store::releases;
use crate::store::retention::Measure;

const MIB: u64 = 1024 * 1024;
/// What is younger may belong to a deploy that is not written down yet.
const YOUNG: time::Duration = time::Duration::HOUR;

impl Retention {
    pub(super) fn measure_images(&self) -> Result<Measure, PurgeError> {
        let images = self.images()?;
        let bytes = images.iter().map(|image| image.bytes).sum();
        Ok(Measure {
            rows: count(images.len()),
            bytes: number(bytes),
            oldest: images
                .iter()
                .map(|image| OffsetDateTime::from(image.used))
                .min(),
        })
    }

    pub(super) async fn purge_images(&self, order: Order) -> Result<Gone, PurgeError> {
        let needed = releases::needed_components(self.0.store.pool()).await?;
        let surplus = surplus(
            self.images()?,
            &needed,
            &Bounds {
                unused_since: self.cutoff(Kind::Images, order).into(),
                young_since: (self.0.clock.now() - YOUNG).into(),
                bytes: match order.older_than {
                    Some(_) => u64::MAX,
                    None => u64::from(self.0.keep.images_mb.get()) * MIB,
                },
            },
        );
        let mut gone = Gone::sized(0, 0);
        for image in surplus {
            if !order.dry_run {
                let removed = self.0.cells.remove_image(&image);
                removed.map_err(|error| PurgeError::Files(Kind::Images, error))?;
            }
            gone.add(Gone::sized(1, number(image.bytes)));
        }
        Ok(gone)
    }

    fn images(&self) -> Result<Vec<ImageFile>, PurgeError> {
        let images = self.0.cells.images();
        images.map_err(|error| PurgeError::Files(Kind::Images, error))
    }

    pub(super) fn measure_work(&self) -> Result<Measure, PurgeError> {
        let measured = measure_folder(&self.0.work);
        measured.map_err(|error| PurgeError::Files(Kind::Work, error))
    }

    pub(super) fn purge_work(&self, order: Order) -> Result<Gone, PurgeError> {
        let before = SystemTime::from(self.cutoff(Kind::Work, order));
        let swept = launch::sweep_before(&self.0.work, before, order.dry_run);
        let swept = swept.map_err(|error| PurgeError::Files(Kind::Work, error))?;
        Ok(Gone::rows(count(swept)))
    }
}

/// What images are held to.
struct Bounds {
    /// What was not used since goes.
    unused_since: SystemTime,
    /// What was used since stays, whatever the size.
    young_since: SystemTime,
    /// Of all together.
    bytes: u64,
}

/// The images that go: unused for long, or, the longest unused first, too much. What apps serve
/// from stays, on which node and for which version of Skep it may be.
fn surplus(
    mut images: Vec<ImageFile>,
    needed: &BTreeSet<String>,
    bounds: &Bounds,
) -> Vec<ImageFile> {
    let mut total: u64 = images.iter().map(|image| image.bytes).sum();
    images.sort_by_key(|image| image.used);
    images.retain(|image| {
        if needed.contains(&image.digest) || image.used >= bounds.young_since {
            return false;
        }
        let goes = image.used < bounds.unused_since || total > bounds.bytes;
        if goes {
            total = total.saturating_sub(image.bytes);
        }
        goes
    });
    images
}

/// The entries of a folder, and the bytes of all files below them.
fn measure_folder(folder: &Path) -> io::Result<Measure> {
    let mut measure = Measure::default();
    let mut folders = vec![(folder.to_owned(), true)];
    while let Some((folder, top)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Whoever works in it removes it meanwhile, or has closed it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                folders.push((entry.path(), false));
            } else {
                measure.bytes = measure.bytes.saturating_add(number(metadata.len()));
            }
            if top {
                measure.rows += 1;
                let made = metadata.modified().ok().map(OffsetDateTime::from);
                measure.oldest = measure.oldest.into_iter().chain(made).min();
            }
        }
    }
    Ok(measure)
}

fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn count(entries: usize) -> i64 {
    i64::try_from(entries).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn image(digest: &str, age: u64, bytes: u64) -> ImageFile {
        ImageFile {
            name: format!("{digest}-x.image"),
            digest: digest.to_owned(),
            bytes,
            used: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age),
        }
    }

    fn gone(images: Vec<ImageFile>, bytes: u64) -> Vec<String> {
        let time = |age: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age);
        let bounds = Bounds {
            unused_since: time(500),
            young_since: time(10),
            bytes,
        };
        let needed = BTreeSet::from(["served".to_owned()]);
        let surplus = surplus(images, &needed, &bounds).into_iter();
        surplus.map(|image| image.digest).collect()
    }

    #[test]
    fn what_nobody_has_used_for_long_goes_and_what_apps_serve_from_stays() {
        let images = vec![
            image("served", 900, 10),
            image("old", 501, 10),
            image("recent", 499, 10),
        ];
        assert_eq!(gone(images, 1_000), ["old"]);
    }

    #[test]
    fn where_it_is_too_much_the_longest_unused_goes_first_and_the_newest_stays() {
        let images = vec![
            image("b", 200, 10),
            image("served", 900, 10),
            image("a", 300, 10),
            image("new", 5, 10),
            image("c", 100, 10),
        ];
        assert_eq!(gone(images.clone(), 50), [""; 0]);
        assert_eq!(gone(images.clone(), 31), ["a", "b"]);
        assert_eq!(gone(images, 0), ["a", "b", "c"]);
    }

    #[test]
    fn a_folder_is_measured_with_all_below_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            measure_folder(&folder.path().join("none")).unwrap(),
            Measure::default()
        );
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::write(folder.path().join("a/b/c"), "12345").unwrap();
        std::fs::write(folder.path().join("d"), "123").unwrap();

        let measure = measure_folder(folder.path()).unwrap();

        assert_eq!((measure.rows, measure.bytes), (2, 8));
        assert!(measure.oldest.is_some());
    }
}
