//! The command `skep`, as people and scripts run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bundle::Bundle;
use crate::database::Database;
use crate::host::{Host, PASSWORD, Setup, folder, skep};

#[tokio::test]
async fn an_app_is_deployed_called_listed_rolled_back_and_deleted() {
    let host = Host::start().await;
    let person = Person::new(&host);
    let first = person.write("app.zip", &Bundle::of_guest("app", "echo"));
    let second = person.write(
        "app2.zip",
        &Bundle::of_guest("app", "list").version("2.0.0"),
    );

    let login = person.type_in(&["login", host.url(), "--username", "admin"], PASSWORD);
    assert_eq!(login, format!("logged in to {} as admin\n", host.url()));
    let deployed = person.run(&["deploy", &first]);
    assert!(deployed.contains("app 1.0.0"), "{deployed}");
    let answer: Value = serde_json::from_str(&person.run(&["call", "app", r#"{"a": 1}"#])).unwrap();
    assert_eq!(answer, json!({ "a": 1 }));

    let report: Value = serde_json::from_str(&person.run(&["deploy", "--json", &second])).unwrap();
    assert_eq!(report["number"], 2);
    let apps = person.run(&["apps"]);
    let line: Vec<&str> = apps.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(line[..4], ["app", "2.0.0", "2", "enabled"]);

    assert_eq!(
        person.run(&["apps", "rollback", "app", "1"]),
        "app serves release 1 again\n"
    );
    assert_eq!(
        person.run(&["apps", "disable", "app"]),
        "app cannot be called any more\n"
    );
    assert_eq!(
        person.fail(&["call", "app"]),
        "error: app 'app' is disabled\n"
    );
    assert_eq!(
        person.run(&["apps", "enable", "app"]),
        "app can be called\n"
    );
    let deleted = person.run(&["apps", "delete", "app", "--tables", "drop"]);
    assert_eq!(deleted, "app is deleted; its tables are dropped\n");
    assert_eq!(host.state().await, Vec::<String>::new());
}

#[tokio::test]
async fn schedules_are_managed_from_the_command_line() {
    let host = Host::start().await;
    let app = Bundle::of_guest("app", "echo").with(
        "schedules",
        json!({ "yearly": { "cron": "0 0 1 1 *", "timezone": "Europe/Berlin" } }),
    );
    host.install(&app).await;
    let person = Person::new(&host);
    person.type_in(&["login", host.url(), "--username", "admin"], PASSWORD);

    let list = person.run(&["schedules"]);
    let line: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(line[..2], ["app", "yearly"]);
    assert_eq!(line[7..9], ["Europe/Berlin", "active"]);
    assert_eq!(
        person
            .run(&["schedules", "app", "--paused"])
            .lines()
            .count(),
        2
    );
    let times = person.run(&["schedules", "next", "app", "yearly", "-n", "3"]);
    assert_eq!(times.lines().count(), 3);
    assert!(
        times.lines().all(|time| time.ends_with("-12-31T23:00:00Z")),
        "{times}"
    );

    let changed = person.run(&["schedules", "set", "app", "yearly", "--timezone", "UTC"]);
    assert!(
        changed.starts_with("app/yearly fires at 0 0 1 1 * in UTC, next at "),
        "{changed}"
    );
    assert!(person.run(&["schedules"]).contains(" operator "));
    let refused = person.fail(&["schedules", "set", "app", "yearly", "--cron", "0 0 30 2 *"]);
    assert!(refused.contains("never comes"), "{refused}");
    assert_eq!(
        person.run(&["schedules", "pause", "app", "yearly"]),
        "app/yearly is paused\n"
    );
    let queued = person.run(&["schedules", "run", "app", "yearly"]);
    assert!(queued.contains("is queued: `skep jobs show "), "{queued}");
    person.run(&["schedules", "resume", "app", "yearly"]);
    person.run(&["schedules", "reset", "app", "yearly"]);

    let json = person.run(&["schedules", "show", "app", "yearly", "--json"]);
    let shown: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(shown["timezone"], "Europe/Berlin");
    assert_eq!(shown["runs"][0]["requested_by"], "admin");
    let json = person.run(&["schedules", "--json"]);
    let list: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(list["schedules"][0]["override"], Value::Null);
}

#[tokio::test]
async fn credentials_and_settings_are_managed_from_the_command_line() {
    let host = Host::start().await;
    let app = Bundle::of_guest("app", "secrets")
        .with("needs", json!({ "credentials": ["erp"] }))
        .with(
            "settings",
            json!([{ "key": "port", "type": "port", "default": 80 }]),
        );
    host.install(&app).await;
    let person = Person::new(&host);
    person.type_in(&["login", host.url(), "--username", "admin"], PASSWORD);

    let file = person.home.path().join("secret");
    std::fs::write(&file, "{\"a\": 1}\n").unwrap();
    let set = person
        .command(&["credentials", "set", "app", "erp"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&set.stdout),
        "app can read `erp` (8 bytes)\n",
        "{}",
        said(&set)
    );
    assert_eq!(
        person.run(&["call", "app", r#"{"c": "erp"}"#]).trim().len(),
        12
    );
    let file = file.to_str().unwrap();
    let set = person.run(&["credentials", "set", "app", "spare", "--file", file]);
    assert!(
        set.contains("(9 bytes); the active release of app does not declare it"),
        "{set}"
    );
    let list = person.run(&["credentials", "list", "app"]);
    assert!(list.contains("set, not declared"), "{list}");
    assert!(!list.contains("\"a\""), "{list}");
    let reads = person.run(&["credentials", "reads", "app"]);
    assert!(reads.contains("given"), "{reads}");
    let rotated = person.run(&["credentials", "rotate-key"]);
    assert!(
        rotated.starts_with("sealed 0 credentials with the key "),
        "{rotated}"
    );
    let deleted = person.run(&["credentials", "delete", "app", "erp"]);
    assert_eq!(deleted, "app cannot read `erp` any more\n");

    assert_eq!(person.run(&["settings", "app", "get", "port"]), "80\n");
    assert_eq!(
        person.run(&["settings", "app", "set", "port", "81"]),
        "port is 81\n"
    );
    let error = person.fail(&["settings", "app", "set", "port", "-1"]);
    assert_eq!(
        error,
        "error: the setting `port` must be a whole number from 1 to 65535\n"
    );
    let list = person.run(&["settings", "app"]);
    assert!(
        list.lines().nth(1).unwrap().starts_with("port  port  81"),
        "{list}"
    );
    assert_eq!(
        person.run(&["settings", "app", "unset", "port"]),
        "port is not set any more\n"
    );
}

#[tokio::test]
async fn the_audit_log_is_read_checked_and_exported_from_the_command_line() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;
    let person = Person::new(&host);
    person.type_in(&["login", host.url(), "--username", "admin"], PASSWORD);
    person.run(&["apps", "disable", "app"]);

    let log = person.run(&["audit", "--app", "app", "-n", "2"]);
    let line: Vec<&str> = log.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(line[2..5], ["admin", "app.disable", "app"]);
    let good = person.run(&["audit", "verify"]);
    let noted = good.strip_prefix("good up to ").unwrap().trim();
    person.run(&["audit", "verify", "--noted", noted]);
    let exported = person.home.path().join("audit.jsonl");
    let to = exported.to_str().unwrap();
    person.run(&["audit", "export", "--output", to]);
    let lines = std::fs::read_to_string(&exported).unwrap();
    assert_eq!(
        lines.lines().count().to_string(),
        noted.split(':').next().unwrap()
    );
    assert_eq!(person.run(&["audit", "export"]), lines);
    assert!(
        person
            .fail(&["audit", "export", "--output", to])
            .contains("cannot write")
    );

    let database = host.database().await;
    database
        .batch_execute(
            "ALTER TABLE skep.audit DISABLE TRIGGER USER;
             UPDATE skep.audit SET actor = 'eve' WHERE seq = 2;
             ALTER TABLE skep.audit ENABLE TRIGGER USER",
        )
        .await
        .unwrap();
    let error = person.fail(&["audit", "verify"]);
    assert_eq!(
        error,
        "error: the audit log is broken: entry 2 is not what was written: its content does not \
         give its hash\n"
    );
}

#[tokio::test]
async fn the_calls_of_an_app_are_shown_with_what_they_used() {
    let host = Host::start().await;
    host.install(&Bundle::of_guest("app", "sql")).await;
    for sql in ["SELECT 1", "SELEC", "SELECT * FROM generate_series(1, 5)"] {
        host.call("app", json!({ "sql": sql })).await;
    }
    let person = Person::new(&host);
    person.type_in(&["login", host.url(), "--username", "admin"], PASSWORD);

    let shown = person.run(&["calls", "app"]);
    let lines: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let heads = "TIME (UTC) OUTCOME WALL GUEST DB STATEMENTS ROWS MEMORY CALLER ERROR";
    assert_eq!(lines[0].join(" "), heads);
    // Date, time, outcome, three times with their unit, statements, rows, memory, caller, error.
    assert_eq!(lines.len(), 4, "{shown}");
    assert_eq!([lines[1][2], lines[1][9], lines[1][10]], ["ok", "1", "5"]);
    assert_eq!([lines[1][12], lines[1][13]], ["MiB", "admin"]);
    assert_eq!([lines[2][2], lines[2][14]], ["app_error", "42601:"]);

    let failed = person.run(&["calls", "app", "--failed", "--json"]);
    let failed: Value = serde_json::from_str(&failed).unwrap();
    assert_eq!(failed["calls"].as_array().unwrap().len(), 1, "{failed}");
    assert_eq!(failed["calls"][0]["error"], "42601: 42601");
    let count = |arguments: &[&str]| person.run(arguments).lines().count();
    assert_eq!(count(&["calls", "app", "--outcome", "ok", "-n", "1"]), 2);
    let none = person.run(&["calls", "app", "--slow", "100000"]);
    assert_eq!(none, "no such calls of app\n");
    let error = person.fail(&["calls", "app", "--outcome", "fine"]);
    assert!(
        error.starts_with("error: there is no outcome `fine`: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_deploy_that_waits_is_looked_at_accepted_refused_and_withdrawn() {
    let host = Host::start().await;
    let person = Person::new(&host);
    let longer = |version: &str| {
        let limits = json!({ "wall_ms": 60_000 });
        Bundle::of_guest("app", "echo")
            .version(version)
            .with("limits", limits)
    };
    let zip = person.write("app.zip", &longer("1.0.0"));
    person.type_in(&["login", host.url(), "--username", "admin"], PASSWORD);

    let plan = person.run(&["deploy", "--plan", &zip]);
    assert!(
        plan.contains("\ngrants         + 60000 ms for each call\n"),
        "{plan}"
    );
    assert_eq!(person.run(&["apps", "--json"]), "{\n  \"apps\": []\n}\n");

    let waiting = person.command(&["deploy", &zip]).output().unwrap();
    assert_eq!(waiting.status.code(), Some(3), "{waiting:?}");
    let text = String::from_utf8(waiting.stdout).unwrap();
    let command = text.lines().last().unwrap().trim();
    assert!(text.starts_with(plan.trim_end()), "{text}");
    assert!(
        command.starts_with("skep apps accept app 1 --digest "),
        "{text}"
    );
    let apps = person.run(&["apps"]);
    let line: Vec<&str> = apps.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(line[..4], ["app", "1.0.0", "-", "waiting"]);
    assert_eq!(person.run(&["apps", "plan", "app"]), plan);

    let accept: Vec<&str> = command.split(' ').skip(1).collect();
    assert_eq!(person.run(&accept), "app serves release 1\n");
    let grants = person.run(&["grants", "app"]);
    assert!(
        grants
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("wall   60000 ms for each call"),
        "{grants}"
    );
    let withdrawn = person.run(&["grants", "app", "--withdraw", "wall"]);
    assert_eq!(withdrawn, "app has no grant wall any more\n");
    assert_eq!(
        person.run(&["grants", "app"]),
        "app has nothing beyond what every app has\n"
    );

    let zip = person.write("app2.zip", &longer("2.0.0"));
    let waiting = person
        .command(&["deploy", "--json", &zip])
        .output()
        .unwrap();
    assert_eq!(waiting.status.code(), Some(3), "{waiting:?}");
    let report: Value = serde_json::from_slice(&waiting.stdout).unwrap();
    assert_eq!(report["state"], "waiting");
    let refuse = ["apps", "refuse", "app", "2", "--reason", "too long"];
    assert_eq!(person.run(&refuse), "release 2 of app is refused\n");
    let shown = person.run(&["apps", "show", "app"]);
    assert!(shown.contains("refused by admin: too long"), "{shown}");

    let plan: Value =
        serde_json::from_str(&person.run(&["deploy", "--json", "--plan", &zip])).unwrap();
    let digest = plan["digest"].as_str().unwrap();
    let deployed = person.run(&["deploy", "--accept", digest, &zip]);
    assert!(
        deployed.starts_with("app 2.0.0 serves as release 3"),
        "{deployed}"
    );
}

#[tokio::test]
async fn a_command_without_a_login_or_a_server_says_what_to_do() {
    let host = Host::start().await;
    let person = Person::new(&host);

    let error = person.fail(&["apps"]);
    assert_eq!(
        error,
        format!(
            "error: not logged in at `{}`: run `skep login`\n",
            host.url()
        )
    );

    let mut nowhere = person.command(&["apps"]);
    let output = nowhere
        .env("SKEP_URL", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("error: cannot reach Skep at `http://127.0.0.1:1`: "),
        "{error}"
    );
    assert!(error.contains("start it with `skep serve`"), "{error}");
}

#[tokio::test]
async fn a_refused_deploy_ends_in_the_servers_words() {
    let host = Host::start().await;
    let person = Person::new(&host);
    let zip = person.write("app.zip", &Bundle::of_guest("app", "bad-import"));
    person.type_in(&["login", host.url(), "--username", "admin"], PASSWORD);

    let error = person.fail(&["deploy", &zip]);

    assert_eq!(
        error,
        "error: the component imports `evil:thing/x`, which Skep does not offer: build it without \
         that import\n"
    );
    assert_eq!(host.state().await, Vec::<String>::new());
}

#[tokio::test]
async fn without_a_builder_the_error_says_what_to_install() {
    let host = Setup::default()
        .setting("SKEP_COMPONENTIZE_PY", "/nowhere/builder")
        .start()
        .await;
    let source = Bundle::new("app").file("main.py", "def execute(data): return {}");

    let answer = host.deploy(&source).await.expect(422);
    assert_eq!(
        answer.error(),
        "`/nowhere/builder`, which the settings name as componentize-py, is not a file"
    );
    assert_eq!(host.state().await, Vec::<String>::new());

    let person = Person::new(&host);
    let app = person.home.path().join("app");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("main.py"), "def execute(data): return {}").unwrap();
    let manifest = r#"{"app_name": "app", "version": "1.0.0"}"#;
    std::fs::write(app.join("manifest.json"), manifest).unwrap();
    let output = person
        .command(&["build", "app"])
        .env_remove("SKEP_COMPONENTIZE_PY")
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("run `cargo install componentize-py --version 0.25.1 --locked`"),
        "{error}"
    );
}

#[test]
fn every_command_says_what_it_does() {
    let mut waiting = vec![Vec::<String>::new()];
    let mut asked = 0;
    while let Some(command) = waiting.pop() {
        let output = skep().args(&command).arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{command:?}: {help}");
        let (about, _) = help.split_once("\n\n").unwrap();
        assert!(
            about.len() > 8 && !about.starts_with("Usage"),
            "{command:?}: {help}"
        );
        for line in help.lines().skip_while(|line| *line != "Commands:").skip(1) {
            let Some(name) = line
                .strip_prefix("  ")
                .and_then(|line| line.split(' ').next())
            else {
                break;
            };
            if !name.is_empty() && name != "help" {
                waiting.push(command.iter().cloned().chain([name.to_owned()]).collect());
            }
        }
        asked += 1;
    }
    assert!(asked > 15, "only {asked} commands were found");
}

#[test]
fn the_licences_of_what_browsers_are_given_are_printed() {
    let output = skep().arg("licenses").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();

    assert!(output.status.success());
    assert!(text.contains("\necharts 5.6.0 (Apache-2.0)\n"));
    assert!(text.contains("\nlucide 1.65.0 (ISC)\n"));
}

#[test]
fn skep_new_makes_an_app_and_refuses_a_name_or_folder_that_will_not_do() {
    let home = folder();
    let new = |name: &str| {
        let mut command = skep();
        command
            .args(["new", name, "--path"])
            .arg(home.path())
            .output()
            .unwrap()
    };

    assert!(new("my_app").status.success());
    assert!(home.path().join("my_app/main.py").is_file());
    let manifest = std::fs::read(home.path().join("my_app/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["app_name"], "my_app");

    let again = said(&new("my_app"));
    assert!(again.contains("is not empty"), "{again}");
    let wrong = said(&new("no spaces"));
    assert!(
        wrong.starts_with("error: invalid app name 'no spaces'"),
        "{wrong}"
    );
    assert!(!home.path().join("no spaces").exists());
}

#[tokio::test]
async fn a_setting_that_is_wrong_is_named() {
    let home = folder();
    let file = home.path().join("skep.toml");
    for (text, named) in [
        ("lisen = \"127.0.0.1:0\"", "lisen"),
        ("listen = \"nowhere\"", "listen"),
        ("session_hours = 0", "session_hours"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = serve(&home).arg("--config").arg(&file).output().unwrap();
        let error = said(&output);
        assert!(!output.status.success() && error.contains(named), "{error}");
    }
    let output = serve(&home).env("SKEP_LISTENN", "x").output().unwrap();
    assert!(said(&output).contains("listenn"), "{}", said(&output));
}

#[tokio::test]
async fn a_second_server_on_one_folder_or_port_is_refused_and_harms_nobody() {
    let host = Setup::embedded().start().await;
    host.install(&Bundle::of_guest("app", "echo")).await;

    let mut second = skep();
    second
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(host.data());
    let output = second.output().unwrap();
    let error = said(&output);
    assert!(!output.status.success(), "{error}");
    assert!(error.contains(host.data().to_str().unwrap()), "{error}");

    let database = Database::create().await;
    let home = folder();
    let address = host.url().strip_prefix("http://").unwrap();
    let output = serve(&home)
        .env("SKEP_LISTEN", address)
        .env("SKEP_DATABASE_URL", &database.url)
        .output()
        .unwrap();
    let error = said(&output);
    assert!(!output.status.success(), "{error}");
    assert!(
        error.contains(&format!(
            "cannot listen on {address}: is Skep running already?"
        )),
        "{error}"
    );

    host.call("app", json!({})).await.expect(200);
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let home = folder();

    let output = serve(&home)
        .env(
            "SKEP_DATABASE_URL",
            "postgres://me:hidden-word@127.0.0.1:1/skep",
        )
        .output()
        .unwrap();

    let error = said(&output);
    assert!(!output.status.success(), "{error}");
    assert!(error.contains("cannot open the host's tables"), "{error}");
    assert!(!error.contains("hidden-word"), "{error}");
}

/// What a command said on its way to failing.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn serve(home: &TempDir) -> Command {
    let mut command = skep();
    command
        .arg("serve")
        .arg("--data")
        .arg(home.path().join("data"));
    command
}

/// Somebody with a folder, a kept login and a server.
struct Person {
    home: TempDir,
    url: String,
}

impl Person {
    fn new(host: &Host) -> Self {
        Self {
            home: folder(),
            url: host.url().to_owned(),
        }
    }

    /// Keeps a zip among this person's files.
    fn write(&self, name: &str, bundle: &Bundle) -> String {
        let path: PathBuf = self.home.path().join(name);
        std::fs::write(&path, bundle.zip()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = skep();
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env(
                "XDG_CONFIG_HOME",
                Path::new(self.home.path()).join("config"),
            )
            .env("SKEP_URL", &self.url)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command that must succeed; what comes back is what it printed.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail; what comes back is the error.
    #[track_caller]
    fn fail(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?}: {}",
            said(&output)
        );
        said(&output)
    }

    /// Runs a command that reads a password.
    #[track_caller]
    fn type_in(&self, arguments: &[&str], password: &str) -> String {
        let file = self.home.path().join("typed");
        std::fs::write(&file, password).unwrap();
        let mut command = self.command(arguments);
        command
            .arg("--password-stdin")
            .stdin(std::fs::File::open(file).unwrap());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}
