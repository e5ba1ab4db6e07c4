//! The `settings` capability: typed values that operators and the app itself may change.
//!
//! The interface is `wit/settings.wit`. Which keys and values an app may use is decided in
//! [`policy`]; rows are in `store::settings`.

pub(crate) mod policy;

use std::collections::HashMap;

use serde_json::Value;
use wasmtime::component::{HasData, Linker};

use crate::bindings::skep::app::settings as wit;
use crate::ids::AppName;
use crate::services::Clock;
use crate::store::Store;
use crate::store::settings::{self, NewValue};
use policy::{Refused, SettingsGrant, Uses};

/// One call's way to its app's settings.
pub(crate) struct CallSettings {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) app: AppName,
    pub(crate) grant: SettingsGrant,
    pub(crate) uses: Uses,
}

/// Why a setting was not read or changed.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl wit::Host for CallSettings {
    async fn get(&mut self, key: String) -> Result<Option<String>, SettingsError> {
        self.uses.read()?;
        let setting = self.grant.declared(&key)?;
        let set = settings::find(self.store.pool(), &self.app, &key).await?;
        Ok(setting.effective(set.as_ref()).map(Value::to_string))
    }

    async fn all(&mut self) -> Result<Vec<(String, String)>, SettingsError> {
        self.uses.read()?;
        let rows = settings::list(self.store.pool(), &self.app).await?;
        let set: HashMap<String, Value> =
            rows.into_iter().map(|row| (row.key, row.value.0)).collect();
        let declared = self.grant.all().iter();
        let values = declared.filter_map(|setting| {
            let value = setting.effective(set.get(&setting.key))?;
            Some((setting.key.clone(), value.to_string()))
        });
        Ok(values.collect())
    }

    async fn set(&mut self, key: String, value: String) -> Result<(), SettingsError> {
        self.uses.change()?;
        let new = NewValue {
            app: &self.app,
            key: &key,
            value: &self.grant.admit(&key, &value)?,
            by: None,
            now: self.clock.now(),
        };
        Ok(settings::put(self.store.pool(), &new).await?)
    }

    async fn unset(&mut self, key: String) -> Result<(), SettingsError> {
        self.uses.change()?;
        self.grant.declared(&key)?;
        settings::delete(self.store.pool(), &self.app, &key).await?;
        Ok(())
    }

    fn convert_error(&mut self, error: SettingsError) -> wasmtime::Result<wit::Error> {
        Ok(match error {
            SettingsError::Refused(Refused::Undeclared(key)) => wit::Error::Undeclared(key),
            SettingsError::Refused(refused @ (Refused::NotJson | Refused::Unfit(_))) => {
                wit::Error::Invalid(refused.to_string())
            }
            SettingsError::Refused(refused @ (Refused::TooManyReads | Refused::TooManyChanges)) => {
                wit::Error::OverLimit(refused.to_string())
            }
            SettingsError::Database(cause) => {
                tracing::error!(app = %self.app, error = %cause, "settings cannot be used");
                wit::Error::Unavailable
            }
        })
    }
}

/// Links the interface; `view` borrows a [`CallSettings`] from whatever the store holds.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> &mut CallSettings,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, SettingsData>(linker, view)
}

struct SettingsData;

impl HasData for SettingsData {
    type Data<'a> = &'a mut CallSettings;
}

#[cfg(test)]
mod tests;
