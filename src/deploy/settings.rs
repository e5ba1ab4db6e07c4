//! What a release's cells may use: its wishes, as far as the operator's limits go and it was
//! granted them.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::{DeployError, Deployer};
use crate::app::grants::{Amounts, Bounds};
use crate::app::manifest::{JobWishes, Wishes};
use crate::app::{Finding, Grants, Manifest};
use crate::capability::jobs::policy::JobsGrant;
use crate::capability::settings::policy::SettingsGrant;
use crate::cell;
use crate::ids::ReleaseId;
use crate::limits::{self, Limits};
use crate::store;

/// What an app may use without asking, and the most that it can be granted.
///
/// They are those of this node now. A release that was deployed under others is held to these
/// too.
pub(super) fn bounds(limits: &Limits) -> Bounds {
    let amounts = |amounts: &limits::Amounts| Amounts {
        wall_ms: amounts.wall_ms.get(),
        memory_mb: amounts.memory_mb.get(),
        concurrency: amounts.concurrency.get(),
        statements: amounts.statements.get(),
        rows: amounts.rows.get(),
        result_mb: amounts.result_mb.get(),
        fuel: amounts.fuel.get(),
    };
    Bounds {
        default: amounts(&limits.default),
        ceiling: amounts(&limits.ceiling),
    }
}

/// What of an app's wishes no app can have here.
pub(super) fn beyond(wishes: &Wishes, jobs: &JobWishes, limits: &Limits) -> Vec<Finding> {
    let ceiling = &limits.ceiling;
    [
        ("limits.wall_ms", wishes.wall_ms, ceiling.wall_ms),
        ("limits.memory_mb", wishes.memory_mb, ceiling.memory_mb),
        (
            "limits.concurrency",
            wishes.concurrency,
            ceiling.concurrency,
        ),
        ("limits.fuel", wishes.fuel, ceiling.fuel),
        ("limits.statements", wishes.statements, ceiling.statements),
        ("limits.rows", wishes.rows, ceiling.rows),
        ("limits.result_mb", wishes.result_mb, ceiling.result_mb),
        ("jobs.wall_ms", jobs.wall_ms, ceiling.job_wall_ms),
    ]
    .into_iter()
    .filter_map(|(name, wish, most)| {
        let wish = wish.filter(|wish| *wish > most)?;
        let text = format!(
            "`{name}` is {wish}, and this server gives {most} at most: the app gets {most}"
        );
        Some(Finding::new("SK-B05", text))
    })
    .collect()
}

impl Deployer {
    /// What of an app's settings does not fit what a manifest declares of them.
    pub(super) async fn unfit_settings(
        &self,
        manifest: &Manifest,
    ) -> Result<Vec<Finding>, DeployError> {
        let rows = store::settings::list(self.0.store.pool(), &manifest.app_name).await?;
        let unfit = manifest.settings.iter().filter_map(|setting| {
            let row = rows.iter().find(|row| row.key == setting.key);
            match row {
                Some(row) => {
                    let unfit = setting.admit(&row.value.0).err()?;
                    Some(format!(
                        "a value is set that does not fit, so the default counts: {unfit}"
                    ))
                }
                None if setting.required && setting.default.is_none() => Some(format!(
                    "the setting `{}` is required and not set: `skep settings {} set {} VALUE`",
                    setting.key, manifest.app_name, setting.key
                )),
                None => None,
            }
        });
        Ok(unfit.map(|text| Finding::new("SK-B06", text)).collect())
    }
}

/// What a release's cells are, from its manifest and what it was granted.
pub(super) fn settings(
    limits: &Limits,
    manifest: &Manifest,
    granted: Arc<Grants>,
    release: ReleaseId,
) -> cell::Settings {
    let given = bounds(limits).amounts(&manifest.limits, &granted);
    // Every one of them is a wish or a limit, and these are not zero.
    let number = |amount: u32| NonZeroU32::new(amount).unwrap_or(NonZeroU32::MIN);
    let amounts = limits::Amounts {
        wall_ms: number(given.wall_ms),
        memory_mb: number(given.memory_mb),
        concurrency: number(given.concurrency),
        statements: number(given.statements),
        rows: number(given.rows),
        result_mb: number(given.result_mb),
        fuel: number(given.fuel),
        ..limits.default
    };
    cell::Settings {
        app: manifest.app_name.clone(),
        release,
        instances: manifest.instances,
        budget: limits.budget(&amounts),
        concurrency: usize::try_from(given.concurrency).unwrap_or(usize::MAX),
        egress: granted.egress().collect(),
        // A name that was granted and is not declared any more is not the app's.
        credentials: manifest
            .needs
            .credentials
            .iter()
            .map(|credential| credential.name.clone())
            .filter(|name| granted.has_credential(name))
            .collect(),
        settings: SettingsGrant::new(&manifest.settings),
        notifications: manifest
            .notifications
            .iter()
            .map(|declared| declared.name.clone())
            .collect(),
        jobs: JobsGrant::new(manifest.jobs, limits).with_tasks(&manifest.tasks, limits),
        granted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Grant, manifest};

    #[test]
    fn a_credential_is_readable_that_is_declared_and_granted() {
        let manifest = manifest::noderouter::parse(
            br#"{"app_name": "app", "version": "1.0.0", "display_name": "App", "actions": [],
                 "needs": {"credentials": ["both", "withdrawn"]}}"#,
        );
        let manifest = manifest.unwrap().manifest;
        let grant = |name: &str| Grant::Credential {
            name: name.to_owned(),
        };
        let granted: Grants = [grant("both"), grant("dropped")].into_iter().collect();

        let release = ReleaseId(uuid::Uuid::nil());
        let settings = settings(&Limits::STANDARD, &manifest, Arc::new(granted), release);

        let both = ["both".to_owned()].into_iter().collect();
        assert_eq!(settings.credentials, both);
    }

    #[test]
    fn a_wish_over_the_ceiling_is_told_with_both_numbers() {
        let wishes = Wishes {
            wall_ms: NonZeroU32::new(120_000),
            rows: NonZeroU32::new(100_001),
            ..Wishes::default()
        };
        let jobs = JobWishes {
            wall_ms: NonZeroU32::new(3_600_001),
            ..JobWishes::default()
        };

        let told: Vec<String> = beyond(&wishes, &jobs, &Limits::STANDARD)
            .iter()
            .map(ToString::to_string)
            .collect();

        assert_eq!(
            told,
            [
                "`limits.rows` is 100001, and this server gives 100000 at most: the app gets 100000 \
                 (SK-B05)",
                "`jobs.wall_ms` is 3600001, and this server gives 3600000 at most: the app gets \
                 3600000 (SK-B05)"
            ]
        );
    }
}
