//! A place in the network, as a manifest names it: scheme, host and port.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Where an app may send HTTP requests: exactly this scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Origin {
    scheme: Scheme,
    /// As URLs write it: lower case, punycode, IPv4 in four decimal parts.
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// Why a text is no origin. The text says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginError {
    #[error("it is not a URL: write it as in \"https://api.example.com\"")]
    NotAUrl,
    #[error("its scheme must be http or https")]
    Scheme,
    #[error("it must end after the host and port: leave out path, query, user and password")]
    MoreThanOrigin,
    #[error("`*` is not supported: name each host")]
    Wildcard,
}

impl Origin {
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Host and port, as a `Host` header has them.
    pub(crate) fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        // Before the URL parser, which drops tabs and line ends and takes `\` for `/`.
        if text.contains(|letter: char| {
            letter.is_whitespace() || letter.is_control() || letter == '\\'
        }) {
            return Err(OriginError::NotAUrl);
        }
        if text.contains('*') {
            return Err(OriginError::Wildcard);
        }
        let url = Url::parse(text).map_err(|_| OriginError::NotAUrl)?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(OriginError::Scheme),
        };
        let bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && !text.contains('@');
        if !bare {
            return Err(OriginError::MoreThanOrigin);
        }
        let host = url.host().ok_or(OriginError::NotAUrl)?.to_owned();
        Ok(Self {
            scheme,
            host: canonical(host)?,
            port: url.port().unwrap_or(scheme.default_port()),
        })
    }
}

/// One form for what reaches the same place: a name without the dot of the root, an IPv4
/// address that is not wrapped in an IPv6 one.
fn canonical(host: Host) -> Result<Host, OriginError> {
    match host {
        Host::Domain(name) => match name.strip_suffix('.').unwrap_or(&name) {
            bare if bare.is_empty() || bare.ends_with('.') => Err(OriginError::NotAUrl),
            bare => Ok(Host::Domain(bare.to_owned())),
        },
        Host::Ipv4(address) => Ok(Host::Ipv4(address)),
        Host::Ipv6(address) => Ok(address
            .to_ipv4_mapped()
            .map_or(Host::Ipv6(address), Host::Ipv4)),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_spelling() {
        for (text, expected) in [
            ("https://API.Example.com", "https://api.example.com"),
            ("https://api.example.com:443/", "https://api.example.com"),
            ("http://host:80", "http://host"),
            ("http://0x7f.1:8080", "http://127.0.0.1:8080"),
            ("http://[0:0::1]:81", "http://[::1]:81"),
            ("http://[::ffff:7f00:1]:81", "http://127.0.0.1:81"),
            ("https://api.example.com.", "https://api.example.com"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(origin.to_string(), expected);
            assert_eq!(expected.parse(), Ok(origin));
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for (text, expected) in [
            ("api.example.com", OriginError::NotAUrl),
            ("", OriginError::NotAUrl),
            ("https://", OriginError::NotAUrl),
            ("https://a\tb", OriginError::NotAUrl),
            ("https://a..", OriginError::NotAUrl),
            ("https://.", OriginError::NotAUrl),
            ("https:\\\\a", OriginError::NotAUrl),
            ("ftp://a", OriginError::Scheme),
            ("localhost:80", OriginError::Scheme),
            ("https://*.example.com", OriginError::Wildcard),
            ("https://a/b", OriginError::MoreThanOrigin),
            ("https://a?b", OriginError::MoreThanOrigin),
            ("https://a#b", OriginError::MoreThanOrigin),
            ("https://user@a", OriginError::MoreThanOrigin),
            ("https://@a", OriginError::MoreThanOrigin),
        ] {
            assert_eq!(text.parse::<Origin>(), Err(expected), "{text:?}");
        }
    }
}
