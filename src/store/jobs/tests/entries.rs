//! Jobs that call something else than `execute`.

use serde_json::json;

use super::*;
use crate::app::Hook;

impl Queue {
    async fn put_entry(&self, app: &str, entry: JobEntry) -> JobId {
        let app: AppName = app.parse().unwrap();
        let job = NewJob {
            id: JobId(Entropy.id(&Clock::system())),
            app: &app,
            entry: &entry,
            payload: "{}",
            key: None,
            created_by: None,
            priority: 0,
            settings: SETTINGS,
        };
        insert(self.pool(), job).await.unwrap()
    }

    async fn put_hook(&self, app: &str, hook: Hook) -> JobId {
        self.put_entry(app, JobEntry::Hook(hook)).await
    }

    /// Completes a job of the task `sync`.
    async fn sync(&self, app: &str) {
        let job = self.put_entry(app, JobEntry::Task("sync".to_owned())).await;
        let claimed = self.claim().await.unwrap();
        assert_eq!(claimed.job, job);
        assert!(self.complete(&claimed).await);
    }

    /// Makes an app's release declare this hook.
    async fn declare(&self, app: &str, hook: Hook) {
        sqlx::query("UPDATE releases SET manifest = $2 WHERE app = $1")
            .bind(app)
            .bind(json!({ "hooks": { (hook.name()): "hooks:run" } }))
            .execute(self.pool())
            .await
            .unwrap();
    }

    async fn entries(&self) -> Vec<String> {
        let filter = Filter {
            status: Some("pending"),
            limit: 10,
            ..Filter::default()
        };
        let rows = list(self.pool(), filter).await.unwrap();
        rows.into_iter().map(|row| row.entry).collect()
    }
}

async fn set_enabled(queue: &Queue, app: &str, enabled: bool) {
    let app = app.parse().unwrap();
    let mut connection = queue.pool().acquire().await.unwrap();
    apps::set_enabled(
        &mut connection,
        &app,
        enabled,
        datetime!(2026-01-01 0:00 UTC),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn who_takes_a_job_learns_what_it_calls() {
    let queue = Queue::with(&["a"]).await;
    let task = JobEntry::Task("sync".to_owned());

    queue.put_entry("a", task.clone()).await;

    assert_eq!(queue.claim().await.unwrap().entry, task);
}

#[tokio::test]
async fn hooks_of_an_app_run_one_at_a_time_and_in_order_beside_other_jobs() {
    let queue = Queue::with(&["a"]).await;
    let first = queue.put_hook("a", Hook::Install).await;
    let second = queue.put_hook("a", Hook::Upgrade).await;
    let other = queue.put("a").await;

    let running = queue.claim().await.unwrap();
    assert_eq!(running.job, first);
    assert_eq!(queue.claim().await.unwrap().job, other);
    assert_eq!(queue.claim().await, None);
    assert!(queue.complete(&running).await);
    assert_eq!(queue.claim().await.unwrap().job, second);
}

#[tokio::test]
async fn a_disabled_app_runs_nothing_but_the_hook_that_tells_it_so() {
    let queue = Queue::with(&["a"]).await;
    let before = queue.put("a").await;
    let told = queue.put_hook("a", Hook::Disable).await;
    queue.put_hook("a", Hook::SettingsSaved).await;
    set_enabled(&queue, "a", false).await;

    let claimed = queue.claim().await.unwrap();
    assert_eq!(claimed.job, told);
    assert!(queue.complete(&claimed).await);
    assert_eq!(queue.claim().await, None);

    set_enabled(&queue, "a", true).await;
    assert_eq!(queue.claim().await.unwrap().job, before);
}

#[tokio::test]
async fn the_first_success_of_the_sync_is_told_once_though_its_job_is_deleted() {
    let queue = Queue::with(&["a", "b"]).await;
    queue.declare("a", Hook::FirstRunSuccess).await;

    queue.sync("a").await;
    assert_eq!(queue.entries().await, ["hook on_first_run_success"]);
    let hook = queue.claim().await.unwrap();
    assert_eq!(hook.entry, JobEntry::Hook(Hook::FirstRunSuccess));
    assert!(hook.payload.contains("job"), "{}", hook.payload);
    assert!(queue.complete(&hook).await);

    assert_eq!(
        purge(queue.pool(), "a", all_but(0, 1), 10).await.unwrap(),
        2
    );
    queue.sync("a").await;
    assert_eq!(queue.entries().await, Vec::<String>::new());

    // An app that does not want to know has had its first time too.
    queue.sync("b").await;
    queue.declare("b", Hook::FirstRunSuccess).await;
    queue.sync("b").await;
    assert_eq!(queue.entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_sync_that_fails_is_no_first_success() {
    let queue = Queue::with(&["a"]).await;
    queue.declare("a", Hook::FirstRunSuccess).await;
    let job = queue
        .put_entry("a", JobEntry::Task("sync".to_owned()))
        .await;
    queue.claim().await.unwrap();

    let mut connection = queue.pool().acquire().await.unwrap();
    assert!(cancel(&mut connection, job).await.unwrap());

    assert_eq!(queue.entries().await, Vec::<String>::new());
}

#[tokio::test]
async fn jobs_are_listed_by_what_they_call() {
    let queue = Queue::with(&["a"]).await;
    let execute = queue.put("a").await;
    let sync = queue
        .put_entry("a", JobEntry::Task("sync".to_owned()))
        .await;
    let hook = queue.put_hook("a", Hook::Install).await;

    let listed = async |entry| {
        let filter = Filter {
            entry: Some(entry),
            limit: 10,
            ..Filter::default()
        };
        let rows = list(queue.pool(), filter).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };

    assert_eq!(listed("execute").await, [execute]);
    assert_eq!(listed("task").await, [sync]);
    assert_eq!(listed("task sync").await, [sync]);
    assert_eq!(listed("hook on_install").await, [hook]);
    assert_eq!(listed("task other").await, []);
}
