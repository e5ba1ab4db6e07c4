//! What a call may use of the host, bound to its app.

use std::sync::Arc;

use tokio::time::Instant;

use super::super::{Cells, Image, Providers};
use crate::capability::credentials::CallCredentials;
use crate::capability::db::fence::Fence;
use crate::capability::egress::Egress;
use crate::capability::jobs::CallJobs;
use crate::capability::log::policy::Most;
use crate::capability::log::{CallLog, Identity};
use crate::capability::notify::{self, CallNotify};
use crate::capability::schedules::{self, CallSchedules};
use crate::capability::settings::CallSettings;
use crate::capability::settings::policy::Uses;
use crate::ids::CallId;
use crate::limits::Budget;

impl Cells {
    /// A call's log.
    pub(in crate::cell) fn log(
        &self,
        image: &Image,
        call: CallId,
        budget: Budget,
        attempt: Option<&Fence>,
    ) -> CallLog {
        let identity = Identity {
            app: image.settings.app.clone(),
            release: image.settings.release,
            call,
            job: attempt.map(|fence| (fence.job(), fence.number())),
        };
        let most = Most {
            lines: budget.log_lines,
            bytes: budget.log_bytes,
        };
        CallLog::new(identity, most, self.0.providers.book.clone())
    }

    /// A call's way to its app's credentials.
    pub(in crate::cell) fn credentials(&self, image: &Image, log: CallLog) -> CallCredentials {
        let grant = image.settings.credentials.clone();
        CallCredentials::new(self.0.providers.vault.clone(), grant, log)
    }

    /// A call's way to its app's jobs.
    pub(in crate::cell) fn jobs(&self, image: &Image) -> CallJobs {
        let Providers { backlog, clock, .. } = &self.0.providers;
        CallJobs {
            app: image.settings.app.clone(),
            grant: image.settings.jobs.clone(),
            backlog: backlog.clone(),
            clock: clock.clone(),
            queued: 0,
        }
    }

    /// A call's way to its app's settings.
    pub(in crate::cell) fn settings(&self, image: &Image) -> CallSettings {
        let Providers { store, clock, .. } = &self.0.providers;
        CallSettings {
            store: store.clone(),
            clock: clock.clone(),
            app: image.settings.app.clone(),
            grant: image.settings.settings.clone(),
            uses: Uses::default(),
        }
    }

    /// A call's way to the servers that its app may send requests to.
    pub(super) fn egress(&self, image: &Image, log: &CallLog, deadline: Instant) -> Egress {
        Egress::new(
            self.0.providers.gateway.clone(),
            Arc::clone(&image.settings.egress),
            log.clone(),
            deadline,
        )
    }

    /// A call's way to its app's schedules.
    pub(in crate::cell) fn schedules(&self, image: &Image) -> CallSchedules {
        CallSchedules {
            store: self.0.providers.store.clone(),
            app: image.settings.app.clone(),
            uses: schedules::policy::Uses::default(),
        }
    }
}

/// A call's way to the users who have subscribed to its app's notifications.
pub(in crate::cell) fn notifications(image: &Image, budget: Budget, log: &CallLog) -> CallNotify {
    let most = notify::policy::Most {
        count: budget.notifications,
        bytes: budget.notification_bytes,
    };
    CallNotify::new(image.settings.notifications.clone(), most, log.clone())
}
