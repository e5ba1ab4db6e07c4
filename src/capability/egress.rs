//! The `egress` capability: HTTP requests to where an operator allowed it.
//!
//! The interface is WASI's own, `wasi:http/outgoing-handler`. What may be sent and where to is
//! decided in [`policy`], for each request anew: a redirect is an answer like any other, and
//! following it is a request of the app. [`send`] connects to the addresses that were checked.

mod address;
mod error;
mod exchange;
mod network;
mod policy;
mod post;
mod send;
mod usage;

pub(crate) use error::EgressError;
pub(crate) use network::Gateway;
pub(crate) use policy::Refused;
pub(crate) use post::Post;
pub(crate) use usage::EgressUsage;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderName, Request, Response};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::{self, http as wit};
use wasmtime_wasi_http::{
    Error as Code, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx,
    WasiHttpCtxView, WasiHttpHooks,
};

use crate::app::manifest;
use crate::capability::log::{CallLog, Level};
use exchange::Exchange;
use usage::{Attempt, Counters};

/// The network as one call may use it. The clones share what the call has used.
#[derive(Clone)]
pub(crate) struct Egress(Arc<CallEgress>);

struct CallEgress {
    gateway: Gateway,
    granted: Arc<[manifest::Egress]>,
    log: CallLog,
    deadline: Instant,
    /// Cancelled when the call is over: nothing of it goes on.
    over: CancellationToken,
    counters: Counters,
    used: Mutex<BTreeSet<String>>,
    places: Arc<Semaphore>,
}

/// What carries the body of an answer.
type Worker = Box<dyn Future<Output = Result<(), Code>> + Send>;
type Answer = Box<dyn Future<Output = Result<(Response<WasiBody>, Worker), Code>> + Send>;

impl Egress {
    pub(crate) fn new(
        gateway: Gateway,
        granted: Arc<[manifest::Egress]>,
        log: CallLog,
        deadline: Instant,
    ) -> Self {
        Self(Arc::new(CallEgress {
            gateway,
            granted,
            log,
            deadline,
            over: CancellationToken::new(),
            counters: Counters::default(),
            used: Mutex::default(),
            places: Arc::new(Semaphore::new(policy::OPEN)),
        }))
    }

    /// Cuts what the call has left open, when it is dropped.
    pub(crate) fn cut_on_drop(&self) -> DropGuard {
        self.0.over.clone().drop_guard()
    }

    /// Ends the call: no connection of it stays open.
    pub(crate) fn finish(&self) {
        self.0.over.cancel();
    }

    /// What the call has used so far.
    pub(crate) fn usage(&self) -> EgressUsage {
        self.0.counters.total()
    }

    /// The keys of the grants that the call has used.
    pub(crate) fn used(&self) -> BTreeSet<String> {
        let used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.clone()
    }

    /// Decides about a request; what is admitted has a place until it is over.
    fn admit<B>(
        &self,
        request: &Request<B>,
    ) -> Result<(Arc<Exchange>, manifest::Egress), EgressError> {
        let call = &self.0;
        match call.counters.attempt() {
            Attempt::Within => {}
            Attempt::First => return Err(self.refuse(request, EgressError::Requests)),
            // One line says it for all.
            Attempt::Over => return Err(EgressError::Requests),
        }
        let scheme = request.uri().scheme_str().unwrap_or_default();
        let authority = request.uri().authority().map_or("", |it| it.as_str());
        let rule = policy::admit(&call.granted, request.method(), scheme, authority)
            .map_err(|refused| self.refuse(request, refused.into()))?;
        let place = Arc::clone(&call.places)
            .try_acquire_owned()
            .map_err(|_| self.refuse(request, EgressError::Open))?;
        call.counters.admitted();
        let mut used = call.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(format!("egress:{}", rule.origin));
        drop(used);
        let exchange = Exchange::new(
            Arc::clone(call),
            request.method().clone(),
            rule.origin.clone(),
            place,
        );
        Ok((Arc::new(exchange), rule.clone()))
    }

    fn refuse<B>(&self, request: &Request<B>, error: EgressError) -> EgressError {
        let line = format!("a {} request was not sent: {error}", request.method());
        self.0.log.host(Level::Warn, "egress", &line);
        error
    }
}

impl WasiHttpHooks for Egress {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name: &HeaderName| policy::is_hosts_own(name))
    }

    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        policy::is_hosts_own(name)
    }

    fn set_host_header(&mut self) -> bool {
        // It is set from what was checked.
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Code>> + Send>,
    ) -> Answer {
        let admitted = self.admit(&request);
        Box::new(async move {
            let (exchange, rule) = admitted.map_err(|error| error.code())?;
            send::send(exchange, rule, request, options.unwrap_or_default())
                .await
                .map_err(|error| error.code())
        })
    }
}

/// What a cell keeps for its requests.
pub(crate) fn context() -> WasiHttpCtx {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(policy::REQUEST_HEADER_BYTES);
    context
}

/// Links the interface and its types; `view` borrows from whatever the store holds.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> WasiHttpCtxView<'_>,
) -> wasmtime::Result<()> {
    let options = bindings::LinkOptions::default();
    wit::outgoing_handler::add_to_linker::<T, WasiHttp>(linker, view)?;
    wit::types::add_to_linker::<T, WasiHttp>(linker, &options.into(), view)
}

#[cfg(test)]
mod tests;
