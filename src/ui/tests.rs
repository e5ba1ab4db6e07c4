use std::io::Read;

use super::*;

#[test]
fn every_file_is_the_same_in_each_of_its_forms() {
    for asset in LIBRARIES.iter().chain(ADMIN).chain(SHELL) {
        let mut unpacked = Vec::new();
        brotli_decompressor::Decompressor::new(asset.brotli, 4096)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert!(unpacked == asset.plain, "{}", asset.path);

        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(asset.gzip)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert!(unpacked == asset.plain, "{}", asset.path);
    }
}

#[test]
fn the_libraries_are_those_that_the_contract_names() {
    let starts = [
        ("/assets/vendor/dayjs.min.js", "dayjs"),
        ("/assets/vendor/echarts.min.js", "echarts"),
        ("/assets/vendor/lucide.min.js", "lucide"),
        ("/assets/vendor/papaparse.min.js", "Papa"),
        ("/assets/vendor/tabulator.min.css", ".tabulator"),
        ("/assets/vendor/tabulator.min.js", "Tabulator"),
        ("/assets/vendor/xlsx.full.min.js", "XLSX"),
        ("/static/css/bootstrap.min.css", "--bs-blue"),
        ("/static/js/bootstrap.bundle.min.js", "bootstrap"),
    ];
    assert_eq!(LIBRARIES.len(), starts.len());
    for (address, word) in starts {
        let asset = library(address).unwrap_or_else(|| panic!("{address}"));
        let text = String::from_utf8_lossy(asset.plain);
        assert!(text.contains(word), "{address}");
        // Their maps are not here: a browser that looks for one would be told so.
        let kind = if address.ends_with(".css") {
            "text/css"
        } else {
            "text/javascript"
        };
        assert!(asset.kind.starts_with(kind), "{address}");
    }
}

#[test]
fn every_library_comes_with_its_licence() {
    for name in [
        "@e965/xlsx 0.20.3 (Apache-2.0)",
        "@popperjs/core 2.11.8 (MIT)",
        "bootstrap 5.3.9 (MIT)",
        "dayjs 1.11.23 (MIT)",
        "echarts 5.6.0 (Apache-2.0)",
        "lucide 1.65.0 (ISC)",
        "papaparse 5.7.1 (MIT)",
        "tabulator-tables 6.5.3 (MIT)",
        "zrender 5.6.1 (BSD-3-Clause)",
    ] {
        assert!(LICENCES.contains(&format!("\n{name}\n")), "{name}");
    }
}

#[test]
fn the_first_page_is_smaller_than_300_kb_with_all_that_it_loads() {
    let bytes: usize = ADMIN.iter().map(|asset| asset.brotli.len()).sum();
    assert!(bytes < 300_000, "{bytes}");
}

/// Texts become elements by `lib/h.js` alone, which knows text nodes only.
#[test]
fn no_page_makes_html_or_scripts_of_a_text() {
    const FORBIDDEN: [&str; 13] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "setHTMLUnsafe",
        "parseHTMLUnsafe",
        "createContextualFragment",
        "DOMParser",
        "document.write",
        "eval(",
        "new Function",
        "javascript:",
        "trustedTypes",
        "http://",
    ];
    let mut scripts = 0;
    for asset in ADMIN.iter().chain(SHELL) {
        let text = std::str::from_utf8(asset.plain).unwrap();
        if asset.path.ends_with(".svg") || asset.path == "kit/icon.js" {
            continue;
        }
        for word in FORBIDDEN {
            // What a comment says about it is no use of it.
            // The property that empties a chart's element is there so that nothing sets another.
            let used = text.lines().any(|line| {
                line.contains(word)
                    && !line.trim_start().starts_with("//")
                    && !line.contains("Object.defineProperty(inner, \"innerHTML\", { set: () =>")
            });
            assert!(!used, "{}: {word}", asset.path);
        }
        assert!(!text.contains("https://"), "{}", asset.path);
        scripts += usize::from(asset.path.ends_with(".js"));
    }
    assert!(scripts > 20, "{scripts}");
}

#[test]
fn the_page_has_no_script_or_style_of_its_own() {
    for page in [admin("index.html"), shell("layout.html")] {
        let html = std::str::from_utf8(page.unwrap().plain).unwrap();
        assert!(!html.contains("<style"));
        assert!(!html.contains(" style="));
        assert!(!html.contains(" on"));
        for tag in html.split("<script").skip(1) {
            assert!(tag.contains("></script>"), "{tag}");
            assert!(tag.contains("nonce=\"{nonce}\""), "{tag}");
        }
    }
}
