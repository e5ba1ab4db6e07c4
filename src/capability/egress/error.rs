//! Why a request has no answer, in words for the app's author and in the codes of WASI.

use std::error::Error as _;
use std::io;

use wasmtime_wasi_http::Error as Code;

use super::policy::{self, Refused};

/// Why a request has no answer, or not a whole one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EgressError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the call has sent its {} requests", policy::REQUESTS)]
    Requests,
    #[error(
        "{} requests of the call are open: read or close their answers first",
        policy::OPEN
    )]
    Open,
    #[error("the call has sent its {} MiB", policy::SENT_BYTES / (1024 * 1024))]
    Sent,
    #[error("the call has received its {} MiB: ask for less, or in parts", policy::RECEIVED_BYTES / (1024 * 1024))]
    Received,
    #[error(
        "the head of the answer is larger than {} KiB or has more than {} headers",
        policy::ANSWER_HEAD_BYTES / 1024,
        policy::ANSWER_HEADERS
    )]
    AnswerHead,
    #[error("the host's name is not known")]
    UnknownName,
    #[error("the host's name was not looked up within {} s", policy::LOOKUP.as_secs())]
    LookupTimeout,
    #[error("nobody listens there: the connection was refused")]
    ConnectionRefused,
    #[error("no connection could be made: {0}")]
    Unreachable(io::ErrorKind),
    #[error("no connection was made in time")]
    ConnectTimeout,
    #[error(
        "the certificate of the server is not trusted: {0}; an operator can add the authority \
         that signed it with `egress_ca_file`"
    )]
    Certificate(String),
    #[error("no TLS connection could be made: {0}")]
    Tls(String),
    #[error("the server did not answer in the time that the app gave it")]
    ReadTimeout,
    #[error("the time of the call is over")]
    Deadline,
    #[error("the call is over")]
    CallOver,
    #[error("the connection ended before the answer was whole")]
    Incomplete,
    #[error("what came back is not HTTP/1.1")]
    NotHttp,
    /// The guest ended its body early, or sent another length than it said.
    #[error("the request was not sent whole by the app")]
    RequestBody,
}

impl EgressError {
    /// What the guest is told. Where WASI's code has a place for a text, ours is in it.
    pub(super) fn code(&self) -> Code {
        let text = || Some(self.to_string());
        match self {
            Self::Refused(refused) => match refused {
                Refused::Address(_) => Code::HttpRequestUriInvalid,
                Refused::Method(_) => Code::HttpRequestMethodInvalid,
                Refused::NotGranted(_) => Code::HttpRequestDenied,
                Refused::Private(_) | Refused::Near { .. } | Refused::Nowhere { .. } => {
                    Code::DestinationIpProhibited
                }
            },
            Self::Requests | Self::Deadline | Self::RequestBody | Self::Unreachable(_) => {
                Code::InternalError(text())
            }
            Self::Open => Code::ConnectionLimitReached,
            Self::Sent => Code::HttpRequestBodySize(Some(policy::SENT_BYTES)),
            Self::Received => Code::HttpResponseBodySize(Some(policy::RECEIVED_BYTES)),
            Self::AnswerHead => {
                Code::HttpResponseHeaderSectionSize(u32::try_from(policy::ANSWER_HEAD_BYTES).ok())
            }
            Self::UnknownName => Code::DnsError {
                rcode: text(),
                info_code: None,
            },
            Self::LookupTimeout => Code::DnsTimeout,
            Self::ConnectionRefused => Code::ConnectionRefused,
            Self::ConnectTimeout => Code::ConnectionTimeout,
            Self::Certificate(_) => Code::TlsCertificateError,
            Self::Tls(_) => Code::TlsProtocolError,
            Self::ReadTimeout => Code::ConnectionReadTimeout,
            Self::CallOver | Self::Incomplete => Code::ConnectionTerminated,
            Self::NotHttp => Code::HttpProtocolError,
        }
    }

    pub(super) fn of_connecting(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            Self::ConnectionRefused
        } else {
            Self::Unreachable(error.kind())
        }
    }

    pub(super) fn of_tls(error: &io::Error) -> Self {
        let cause = error
            .get_ref()
            .and_then(|cause| cause.downcast_ref::<rustls::Error>());
        match cause {
            Some(rustls::Error::InvalidCertificate(why)) => Self::Certificate(why.to_string()),
            Some(cause) => Self::Tls(cause.to_string()),
            None => Self::Tls(error.kind().to_string()),
        }
    }

    pub(super) fn of_http(error: &hyper::Error) -> Self {
        if error.is_parse_too_large() {
            Self::AnswerHead
        } else if error.is_parse() {
            Self::NotHttp
        } else if error.is_user() || error.source().is_some_and(|cause| cause.is::<Code>()) {
            Self::RequestBody
        } else {
            Self::Incomplete
        }
    }
}
