//! What a check takes: an app of fifty files, against reading them.

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{apart, describe, sources};
use crate::app::Bundle;

const ROUNDS: usize = 15;

/// Writes an app of fifty files: a backend of ten, a page with twenty modules, ten fragments, nine
/// styles, and the manifest.
fn write(folder: &Path) -> usize {
    let mut files: Vec<(String, String)> = vec![
        (
            "manifest.json".to_owned(),
            include_str!("tests/app/manifest.json").to_owned(),
        ),
        (
            "main.py".to_owned(),
            include_str!("tests/app/main.py").to_owned(),
        ),
    ];
    for number in 0..9 {
        let text = include_str!("tests/app/main.py").replace("_items", &format!("_items{number}"));
        files.push((format!("part{number}.py"), text.repeat(4)));
        let text =
            include_str!("tests/app/style.css").replace("hw-card", &format!("hw-card{number}"));
        files.push((format!("css/part{number}.css"), text.repeat(20)));
    }
    let module = include_str!("tests/app/index.js").repeat(4);
    let mut imports = String::new();
    for number in 0..19 {
        files.push((format!("js/part{number}.js"), module.clone()));
        imports.push_str(&format!("import \"./part{number}.js\";\n"));
    }
    files.push(("js/app.js".to_owned(), imports + &module));
    let page = include_str!("tests/app/index.html");
    let page = page.replace("src=\"index.js\"", "type=\"module\" src=\"js/app.js\"");
    let page = page.replace("href=\"style.css\"", "href=\"css/part0.css\"");
    for number in 0..9 {
        files.push((format!("parts/part{number}.html"), page.clone()));
    }
    files.push(("index.html".to_owned(), page));
    for (path, text) in &files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    files.len()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, and wants a machine that does nothing else"]
async fn what_a_check_of_fifty_files_takes() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("app_hello_world");
    let count = write(&folder);
    let mut times = [const { Vec::new() }; 4];
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let bundle = Bundle::from_folder(&folder).unwrap();
        times[0].push(start.elapsed());
        bytes = bundle.files().map(|(_, contents)| contents.len()).sum();

        let start = Instant::now();
        let found = describe(&bundle).len();
        times[1].push(start.elapsed());

        let start = Instant::now();
        let inside = sources(&bundle);
        times[2].push(start.elapsed());

        let start = Instant::now();
        let outside = apart::sources(parent.path(), &bundle).await.unwrap();
        times[3].push(start.elapsed());
        assert_eq!(inside, outside);
        assert_eq!((found, inside.len()), (0, inside.len()));
    }
    let [read, described, inside, outside] = times.map(median);
    let ratio = |time: Duration| time.as_secs_f64() / read.as_secs_f64();
    println!("{count} files, {bytes} bytes; medians of {ROUNDS} rounds");
    for (what, time) in [
        ("read the folder", read),
        ("look at bundle and manifest", described),
        ("look at the sources", inside),
        ("the same, in a process of its own", outside),
    ] {
        println!(
            "| {what} | {:.2} ms | {:.1} |",
            time.as_secs_f64() * 1e3,
            ratio(time)
        );
    }
}
