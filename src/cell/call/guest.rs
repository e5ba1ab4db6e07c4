//! Calls the functions that a component exports.

use tokio::time::Instant;
use wasmtime::component::{ComponentExportIndex, Instance};
use wasmtime::{AsContextMut, Store};

use super::super::pool::Cell;
use super::super::state::CellState;
use super::super::{Image, limits};
use super::error::{classify, misuse};
use super::{CallError, Entry, GRACE};
use crate::app::entry::{self, NotWell};
use crate::bindings::skep::app::types::Failure;
use crate::limits::Budget;

/// Runs the cell's call to its end, or until its time is over.
pub(super) async fn enter(
    image: &Image,
    cell: &mut Cell,
    entry: Entry,
    deadline: Instant,
    budget: Budget,
) -> Result<String, CallError> {
    let Cell {
        store,
        instance,
        app,
        ..
    } = cell;
    let database = store.data().database().clone();
    let is_hook = matches!(entry, Entry::Hook { .. });
    let optional = &image.optional;
    let guest = async {
        match entry {
            Entry::Execute(data) => app.call_execute(store.as_context_mut(), &data).await,
            Entry::Task { name, data } => {
                let index = optional.task.as_ref();
                named(index, store, instance, (&name, &data)).await
            }
            Entry::Hook { hook, payload } => {
                let index = optional.hook.as_ref();
                named(index, store, instance, (hook.name(), &payload)).await
            }
            Entry::Load => load(image, store, instance).await,
        }
    };
    let given_up = async {
        database.stopped().await;
        tokio::time::sleep(GRACE).await;
    };
    let returned = tokio::select! {
        biased;
        returned = tokio::time::timeout_at(deadline + GRACE, guest) => {
            returned.map_err(|_| CallError::TimedOut(budget.wall))?
        }
        () = given_up => return Err(CallError::Stopped),
    };
    match returned {
        Ok(Ok(answer)) if answer.len() > limits::ANSWER_BYTES => Err(CallError::AnswerTooLarge),
        Ok(Ok(answer)) if is_hook => read_hook(answer),
        Ok(Ok(answer)) => Ok(answer),
        // What an app says about being stopped is not what happened to it.
        Ok(Err(_)) if store.data().is_stopped() => Err(CallError::Stopped),
        Ok(Err(_)) if Instant::now() >= deadline => Err(CallError::TimedOut(budget.wall)),
        Ok(Err(_)) if store.data_mut().memory.take_refused() => {
            Err(CallError::OutOfMemory(budget.memory))
        }
        Ok(Err(Failure {
            name,
            message,
            trace,
        })) => Err(CallError::App {
            name,
            message,
            trace,
        }),
        // Whatever fails inside the guest is its own doing: the ABI refused what it handed over.
        Err(error) => {
            let known = classify(store, &error, budget);
            if matches!(known, CallError::Internal(_)) {
                Err(CallError::Crashed(misuse(&error)))
            } else {
                Err(known)
            }
        }
    }
}

/// Calls one of the functions that take a name and JSON text.
async fn named(
    index: Option<&ComponentExportIndex>,
    store: &mut Store<CellState>,
    instance: &Instance,
    (name, data): (&str, &str),
) -> wasmtime::Result<Result<String, Failure>> {
    let Some(index) = index else {
        // A deploy refuses a manifest that names what the component does not have.
        return Ok(Err(Failure {
            name: "NotExported".to_owned(),
            message: format!("the component has nothing to run `{name}` with"),
            trace: None,
        }));
    };
    let function =
        instance.get_typed_func::<(&str, &str), (Result<String, Failure>,)>(&mut *store, index)?;
    let (result,) = function.call_async(store, (name, data)).await?;
    Ok(result)
}

/// Says what a hook came to by what it answered.
fn read_hook(answer: String) -> Result<String, CallError> {
    match entry::read_hook(&answer) {
        Ok(()) => Ok(answer),
        Err(NotWell::Said(message)) => Err(CallError::NotWell { message, answer }),
        Err(NotWell::Malformed) => Err(CallError::App {
            name: "TypeError".to_owned(),
            message: "a hook must answer null, or a JSON object with `ok` and `message`".to_owned(),
            trace: None,
        }),
    }
}

async fn load(
    image: &Image,
    store: &mut Store<CellState>,
    instance: &Instance,
) -> wasmtime::Result<Result<String, Failure>> {
    let Some(index) = image.optional.load else {
        return Ok(Ok(String::new()));
    };
    let function = instance.get_typed_func::<(), (Result<(), Failure>,)>(&mut *store, &index)?;
    let (result,) = function.call_async(store, ()).await?;
    Ok(result.map(|()| String::new()))
}
