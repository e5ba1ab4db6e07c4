//! Notifications that answers fire.

use super::module::ActionName;
use super::{Found, Program, rules};
use crate::check::problem::Problem;

impl Program<'_> {
    /// Entries of `_actions` that reach nobody.
    pub(super) fn actions(&self) -> Vec<Found> {
        let actions = self.modules.iter().flat_map(|module| {
            module
                .actions
                .iter()
                .map(move |action| (module.path, action))
        });
        actions
            .filter_map(|(path, action)| {
                let text = match &action.name {
                    ActionName::Known(name) => self.undeclared(name)?,
                    ActionName::Missing => "it has no `name`".to_owned(),
                    ActionName::NoEntry => "it is no object with a `name`".to_owned(),
                    ActionName::Unknown => return None,
                };
                let problem = Problem::new(&rules::ACTIONS, text);
                Some((problem, path.to_owned(), action.range.clone()))
            })
            .collect()
    }

    /// What to say of a name that the manifest does not declare.
    fn undeclared(&self, name: &str) -> Option<String> {
        let mut declared = self.manifest?.notifications.iter();
        let is_declared = declared.any(|notification| notification.name == name);
        (!is_declared).then(|| format!("the manifest declares no action `{name}`"))
    }
}
