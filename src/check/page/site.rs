//! Which file of a bundle an address in it means.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use crate::app::{Bundle, BundlePath, frontend};

/// Whether an address leads to another host.
pub(in crate::check) fn is_remote(address: &str) -> bool {
    let address = address.trim_start();
    if let Some(host) = address.strip_prefix("//") {
        return is_host(host);
    }
    let Some((scheme, rest)) = address.split_once(':') else {
        return false;
    };
    let scheme = scheme.to_ascii_lowercase();
    ["http", "https", "ws", "wss", "ftp"].contains(&scheme.as_str())
        && rest.strip_prefix("//").is_some_and(is_host)
}

/// Whether a text begins with a host that is written out.
fn is_host(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphanumeric() || first == '[')
}

/// The files of one app under their addresses.
pub(in crate::check) struct Site<'a> {
    base: Url,
    /// By the path of the address.
    files: BTreeMap<String, &'a str>,
    /// The addresses of what is there for the backend or for people alone.
    withheld: BTreeSet<String>,
}

/// What an address means.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::check) enum Meant<'a> {
    /// A file of the bundle, by its path.
    File(&'a str),
    /// A file that the bundle does not have, or that no browser is given.
    Missing,
    /// Nothing of the bundle: another part of the host, another host, data, or what only shows
    /// at run time.
    Else,
}

impl<'a> Site<'a> {
    /// The files of a bundle that browsers are given; `app` is its name, empty where it is not
    /// known.
    pub(in crate::check) fn new(bundle: &'a Bundle, app: &str) -> Option<Self> {
        let app = if app.is_empty() { "-" } else { app };
        let base = Url::parse("http://app.invalid/apps/").ok()?;
        let base = base.join(&format!("{app}/")).ok()?;
        let address = |path: &BundlePath| {
            let mut address = base.clone();
            address
                .path_segments_mut()
                .ok()?
                .pop_if_empty()
                .extend(path.parts());
            Some(address.path().to_owned())
        };
        let given = frontend::files(bundle);
        let files: BTreeMap<_, _> = given
            .filter_map(|(path, _)| Some((address(path)?, path.as_str())))
            .collect();
        let all = bundle.files().filter_map(|(path, _)| address(path));
        Some(Self {
            withheld: all.filter(|address| !files.contains_key(address)).collect(),
            files,
            base: base.clone(),
        })
    }

    /// What an address means in a file of the bundle, or, without one, in the app's page.
    pub(in crate::check) fn meant(&self, from: &str, address: &str) -> Meant<'a> {
        let Some(url) = self.address(from, address) else {
            return Meant::Else;
        };
        match self.files.get(&url) {
            Some(path) => Meant::File(path),
            None => Meant::Missing,
        }
    }

    /// What to say of an address under which a browser finds nothing.
    pub(in crate::check) fn why_missing(&self, from: &str, address: &str) -> String {
        let is_withheld = self
            .address(from, address)
            .is_some_and(|address| self.withheld.contains(&address));
        let shown: String = address.chars().take(80).collect();
        match is_withheld {
            true => format!("`{shown}` belongs to the backend: no browser is given it"),
            false => format!("`{shown}` is not in the bundle"),
        }
    }

    /// The path of an address below the app's own.
    fn address(&self, from: &str, address: &str) -> Option<String> {
        let address = address.trim();
        let is_template = ["{{", "${", "<%", "{%"]
            .iter()
            .any(|mark| address.contains(mark));
        if address.is_empty() || address.starts_with(['#', '?']) || is_template {
            return None;
        }
        let mut base = self.base.clone();
        if let Ok(mut segments) = base.path_segments_mut() {
            segments.pop_if_empty().extend(from.split('/'));
        }
        let url = base.join(address).ok()?;
        let is_here = url.host() == self.base.host()
            && url.scheme() == self.base.scheme()
            && url.path().starts_with(self.base.path());
        (is_here && !url.path().ends_with('/')).then(|| url.path().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_hosts_are_told_from_paths() {
        for address in [
            "https://cdn.example/x.js",
            "HTTP://localhost:3000/x",
            "//cdn.example/x.js",
            "wss://a.example",
        ] {
            assert!(is_remote(address), "{address}");
        }
        for address in [
            "style.css",
            "/assets/vendor/x.js",
            "data:image/png;base64,AA==",
            "mailto:a@b.example",
            "ws://",
            "https://",
            "//",
            "a//b",
            "https://${host}/x",
        ] {
            assert!(!is_remote(address), "{address}");
        }
    }

    #[test]
    fn addresses_mean_files_as_a_browser_reads_them() {
        let bundle = Bundle::for_tests(&[
            ("index.html", ""),
            ("js/app.js", ""),
            ("js/parts/a b.js", ""),
            ("ünï.css", ""),
        ]);
        let site = Site::new(&bundle, "app_x").expect("a site");

        for (from, address, expected) in [
            ("index.html", "js/app.js", Meant::File("js/app.js")),
            ("index.html", "./js/app.js?v=1#x", Meant::File("js/app.js")),
            (
                "index.html",
                "/apps/app_x/js/app.js",
                Meant::File("js/app.js"),
            ),
            ("index.html", "ünï.css", Meant::File("ünï.css")),
            (
                "js/app.js",
                "./parts/a%20b.js",
                Meant::File("js/parts/a b.js"),
            ),
            ("js/parts/a b.js", "../app.js", Meant::File("js/app.js")),
            ("index.html", "css/app.css", Meant::Missing),
            ("js/app.js", "./app2.js", Meant::Missing),
            ("index.html", "/assets/vendor/dayjs.min.js", Meant::Else),
            ("index.html", "/apps/other/x.js", Meant::Else),
            ("index.html", "data:text/css,a", Meant::Else),
            ("index.html", "img/${name}.png", Meant::Else),
            ("index.html", "#top", Meant::Else),
        ] {
            assert_eq!(site.meant(from, address), expected, "{from} {address}");
        }
    }
}
