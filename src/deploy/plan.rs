//! What a deploy would change, for people to decide by.
//!
//! A [`Plan`] compares a bundle with the active release. Its digest stands for all of it:
//! who accepts a digest accepts exactly what the plan says, and nothing that came later.

mod statements;
mod text;

pub(super) use statements::created;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::app::grants::{Amounts, Bounds, Difference};
use crate::app::{Backend, Bundle, Grants, Manifest, frontend};
use crate::ids::AppName;
use crate::store::blobs;
pub(crate) use statements::{Statement, Statements};

/// What a deploy would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Plan {
    /// SHA-256 of everything else here.
    pub(crate) digest: String,
    #[schema(value_type = String)]
    pub(crate) app: AppName,
    pub(crate) version: String,
    /// SHA-256 of the bundle's files.
    pub(crate) bundle: String,
    /// What serves now.
    pub(crate) active: Option<Active>,
    /// Whether somebody must consent, unless who deploys may.
    pub(crate) consent: bool,
    pub(crate) grants: Difference,
    /// What the component imports of the host.
    pub(crate) capabilities: Names,
    pub(crate) limits: Change<Amounts>,
    /// Who may call the app.
    pub(crate) required_permission: Change<Option<String>>,
    pub(crate) notifications: Names,
    /// What it has done again and again.
    #[serde(default)]
    pub(crate) schedules: Names,
    /// Its jobs that have a name, with what they call.
    #[serde(default)]
    pub(crate) tasks: Names,
    /// What it is told of, with what is called then.
    #[serde(default)]
    pub(crate) hooks: Names,
    /// What the manifest's `tables` do.
    pub(crate) tables: Vec<Statement>,
    /// The SQL in the sources.
    pub(crate) statements: Statements,
    /// Whether what runs is a component that came with the bundle, so that the sources
    /// beside it prove nothing.
    pub(crate) prebuilt: bool,
    /// SHA-256 of the files that a browser may be given; none where there are none.
    pub(crate) frontend: Change<Option<String>>,
}

/// The release that serves now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Active {
    pub(crate) release: i32,
    pub(crate) version: String,
    pub(crate) digest: String,
}

/// One value before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Change<T> {
    pub(crate) before: T,
    pub(crate) after: T,
}

/// Names before and after.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Names {
    pub(crate) added: Vec<String>,
    pub(crate) kept: Vec<String>,
    pub(crate) dropped: Vec<String>,
}

/// One side of the comparison.
pub(super) struct Side<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) bundle: &'a Bundle,
    /// What it asks for, or has been granted.
    pub(super) grants: &'a Grants,
    pub(super) capabilities: BTreeSet<String>,
}

/// Compares a bundle with what serves now.
pub(super) fn compare(
    next: &Side<'_>,
    active: Option<(Active, Side<'_>)>,
    backend: Backend,
    bounds: Bounds,
) -> Plan {
    let (active, before) = active.unzip();
    let before = before.as_ref();
    let nothing = Grants::default();
    let granted = before.map_or(&nothing, |before| before.grants);
    let manifest = next.manifest;
    let grants = granted.compare(next.grants);
    let frontend = Change {
        before: before.and_then(|before| frontend::digest(before.bundle)),
        after: frontend::digest(next.bundle),
    };
    let amounts = |side: &Side<'_>| bounds.amounts(&side.manifest.limits, side.grants);
    let before_manifest = before.map(|before| before.manifest);
    let said = |names: fn(&Manifest) -> BTreeSet<String>| {
        Names::compare(before_manifest.map(names).as_ref(), &names(manifest))
    };

    let plan = Plan {
        digest: String::new(),
        app: manifest.app_name.clone(),
        version: manifest.version.to_string(),
        bundle: next.bundle.digest(),
        active,
        consent: !grants.added.is_empty() || frontend.is_new(),
        grants,
        capabilities: Names::compare(
            before.map(|before| &before.capabilities),
            &next.capabilities,
        ),
        limits: Change {
            before: before.map_or(bounds.default, amounts),
            after: amounts(next),
        },
        required_permission: Change {
            before: before_manifest.and_then(|manifest| manifest.required_permission.clone()),
            after: manifest.required_permission.clone(),
        },
        notifications: said(notifications),
        schedules: said(schedules),
        tasks: said(tasks),
        hooks: said(hooks),
        tables: statements::of_tables(manifest, before_manifest),
        statements: statements::of_sources(
            manifest,
            next.bundle,
            before.map(|before| (before.manifest, before.bundle)),
        ),
        prebuilt: backend == Backend::Component,
        frontend,
    };
    Plan {
        digest: plan.own_digest(),
        ..plan
    }
}

fn notifications(manifest: &Manifest) -> BTreeSet<String> {
    let all = manifest.notifications.iter();
    all.map(|notification| match &notification.required_permission {
        None => format!("{}, for every user", notification.name),
        Some(permission) => format!("{}, for {permission}", notification.name),
    })
    .collect()
}

fn schedules(manifest: &Manifest) -> BTreeSet<String> {
    manifest.schedules.iter().map(ToString::to_string).collect()
}

fn tasks(manifest: &Manifest) -> BTreeSet<String> {
    let all = manifest.tasks.iter();
    all.map(|(name, task)| format!("{name}, which calls {}", task.run))
        .collect()
}

fn hooks(manifest: &Manifest) -> BTreeSet<String> {
    let all = manifest.hooks.iter();
    all.map(|(hook, function)| format!("{hook}, which calls {function}"))
        .collect()
}

impl Plan {
    /// Whether it waits for somebody else than who deploys it. Who may consent stands behind
    /// the frontend by deploying it; grants must be accepted by name.
    pub(super) fn waits(&self, may_consent: bool) -> bool {
        if may_consent {
            !self.grants.added.is_empty()
        } else {
            self.consent
        }
    }

    /// As it is kept with the release, and sent.
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn own_digest(&self) -> String {
        // The fields of a struct always come in the same order.
        blobs::digest(&serde_json::to_vec(self).unwrap_or_default())
    }
}

impl Change<Option<String>> {
    /// Whether there is a frontend that the active release does not have.
    fn is_new(&self) -> bool {
        self.after.is_some() && self.after != self.before
    }
}

impl Names {
    fn compare(before: Option<&BTreeSet<String>>, after: &BTreeSet<String>) -> Self {
        let nothing = BTreeSet::new();
        let before = before.unwrap_or(&nothing);
        Self {
            added: after.difference(before).cloned().collect(),
            kept: after.intersection(before).cloned().collect(),
            dropped: before.difference(after).cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests;
