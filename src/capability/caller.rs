//! The `caller` capability: who made the current call.
//!
//! The interface is `wit/caller.wit`. The host binds the caller to the call; nothing that
//! the guest says changes it.

use std::sync::Arc;

use wasmtime::component::{HasData, Linker};

use crate::bindings::skep::app::caller as wit;
use crate::ids::CallId;

/// Who stands behind a call, as the app sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) user_id: String,
    pub(crate) username: String,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

/// One call's view of who made it.
pub(crate) struct CallerView<'a> {
    pub(crate) call: CallId,
    pub(crate) caller: Option<&'a Arc<Caller>>,
}

impl wit::Host for CallerView<'_> {
    fn current(&mut self) -> wasmtime::Result<Option<wit::Identity>> {
        Ok(self.caller.map(|caller| wit::Identity {
            user_id: caller.user_id.clone(),
            username: caller.username.clone(),
            roles: caller.roles.clone(),
            permissions: caller.permissions.clone(),
        }))
    }

    fn call_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.call.to_string())
    }
}

/// Links the interface; `view` borrows a [`CallerView`] from whatever the store holds.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> CallerView<'_>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, CallerData>(linker, view)
}

struct CallerData;

impl HasData for CallerData {
    type Data<'a> = CallerView<'a>;
}
