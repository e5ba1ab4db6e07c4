//! Sends one admitted request: the name is looked up, every address checked, and the
//! connection made to an address that was checked.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use url::Host;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{RequestOptions, WasiBody};

use super::error::EgressError;
use super::exchange::{AnswerBody, Exchange, Metered};
use super::network::Gateway;
use super::{Worker, policy};
use crate::app::Scheme;
use crate::app::manifest::Egress;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Sends a request and waits for the head of its answer. What comes back beside it carries
/// the body, and ends with the call.
///
/// # Errors
///
/// When there is no answer before the call is over, for whatever reason.
pub(super) async fn send(
    exchange: Arc<Exchange>,
    rule: Egress,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<(Response<WasiBody>, Worker), EgressError> {
    let began = Instant::now();
    let work = async {
        let limit = options
            .connect_timeout
            .map_or(policy::CONNECT, |wish| wish.min(policy::CONNECT));
        let connected = timeout(limit, connect(&exchange.call.gateway, &rule));
        let stream = connected.await.map_err(|_| EgressError::ConnectTimeout)??;
        let request = addressed(request, &rule)?;
        converse(&exchange, stream, request, options).await
    };
    let result = tokio::select! {
        biased;
        error = exchange.over() => Err(error),
        result = work => result,
    };
    exchange.call.counters.waited(began.elapsed());
    result.map_err(|error| exchange.fail(error))
}

pub(super) async fn connect(
    gateway: &Gateway,
    rule: &Egress,
) -> Result<Box<dyn Stream>, EgressError> {
    let addresses = look_up(gateway, rule).await?;
    policy::admit_addresses(rule, &addresses)?;
    let stream = dial(gateway, &addresses, rule.origin.port()).await?;
    // A request must not wait for more to send.
    let _ = stream.set_nodelay(true);
    match rule.origin.scheme() {
        Scheme::Http => Ok(Box::new(stream)),
        Scheme::Https => {
            let name = server_name(rule.origin.host())?;
            let secured = gateway.secure(name, stream).await;
            Ok(Box::new(
                secured.map_err(|error| EgressError::of_tls(&error))?,
            ))
        }
    }
}

/// The addresses that a grant stands for now. Asked once for a request, and never again.
async fn look_up(gateway: &Gateway, rule: &Egress) -> Result<Vec<IpAddr>, EgressError> {
    let name = match rule.origin.host() {
        Host::Ipv4(address) => return Ok(vec![IpAddr::V4(*address)]),
        Host::Ipv6(address) => return Ok(vec![IpAddr::V6(*address)]),
        Host::Domain(name) => name.clone(),
    };
    match timeout(policy::LOOKUP, gateway.network.look_up(name)).await {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(Ok(_) | Err(_)) => Err(EgressError::UnknownName),
        Err(_) => Err(EgressError::LookupTimeout),
    }
}

/// Tries one address after the other; each gets its share of the time.
async fn dial(
    gateway: &Gateway,
    addresses: &[IpAddr],
    port: u16,
) -> Result<TcpStream, EgressError> {
    let mut last = EgressError::UnknownName;
    let share = policy::CONNECT / u32::try_from(addresses.len()).unwrap_or(1).max(1);
    for address in addresses {
        let connecting = gateway.network.connect(SocketAddr::new(*address, port));
        last = match timeout(share.max(Duration::from_secs(1)), connecting).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => EgressError::of_connecting(&error),
            Err(_) => EgressError::ConnectTimeout,
        };
    }
    Err(last)
}

fn server_name(host: &Host) -> Result<ServerName<'static>, EgressError> {
    match host {
        Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(*address))),
        Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(*address))),
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|_| EgressError::Tls("the name cannot be one of a certificate".to_owned())),
    }
}

/// A request as it goes over the wire: to a path, at the host that was checked.
fn addressed(request: Request<WasiBody>, rule: &Egress) -> Result<Request<WasiBody>, EgressError> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = match path.as_bytes() {
        [b'/', ..] => path.to_owned(),
        _ => format!("/{path}"),
    };
    parts.uri = path.parse::<Uri>().map_err(|_| EgressError::RequestBody)?;

    let host = HeaderValue::try_from(rule.origin.authority());
    let host = host.map_err(|_| EgressError::UnknownName)?;
    parts.headers.insert(HOST, host);
    // A connection serves one request.
    let close = HeaderValue::from_static("close");
    parts.headers.insert(CONNECTION, close);
    Ok(Request::from_parts(parts, body))
}

/// Speaks HTTP/1.1: sends the request and reads the head of the answer.
async fn converse(
    exchange: &Arc<Exchange>,
    stream: Box<dyn Stream>,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<(Response<WasiBody>, Worker), EgressError> {
    let broken = |error: hyper::Error| exchange.fail(EgressError::of_http(&error));
    let stream = TokioIo::new(Metered::new(stream, Arc::clone(exchange)));
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(policy::ANSWER_HEAD_BYTES)
        .max_headers(policy::ANSWER_HEADERS)
        .handshake(stream)
        .await
        .map_err(broken)?;

    let mut connection = Box::pin(connection);
    let mut alive = true;
    let patience = options.first_byte_timeout.unwrap_or(Duration::MAX);
    let answer = timeout(patience, async {
        let mut answer = std::pin::pin!(sender.send_request(request));
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => break answer,
                // Why it ended is what the answer says.
                _ = &mut connection, if alive => alive = false,
            }
        }
    });
    let answer = answer
        .await
        .map_err(|_| EgressError::ReadTimeout)?
        .map_err(broken)?;
    exchange.answered(answer.status().as_u16());

    let kept = Arc::clone(exchange);
    let worker: Worker = Box::new(async move {
        if alive {
            tokio::select! {
                biased;
                // Ends the connection; the body sees the cause.
                error = kept.over() => { kept.fail(error); }
                _ = &mut connection => {}
            }
        }
        Ok(())
    });
    let answer = answer.map(|incoming| {
        AnswerBody::new(
            incoming,
            Arc::clone(exchange),
            options.between_bytes_timeout,
        )
        .boxed_unsync()
    });
    Ok((answer, worker))
}
