//! Hostile programs in a workshop. They are shell scripts and Python, which say what they got.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use tempfile::TempDir;

use super::*;
use crate::launch::Walls;

const LIMITS: Limits = Limits {
    wall: Duration::from_secs(60),
    memory: 1 << 30,
    data: 1 << 30,
    cpu: 20,
    files: 64,
    file_size: 1 << 20,
    processes: 64,
};

/// A place for workshops that only we can enter.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o700)).unwrap();
    place
}

fn task<'a>(limits: Limits, words: &'a [&'a str]) -> Task<'a> {
    Task {
        program: Path::new(words[0]),
        arguments: &words[1..],
        limits,
        // So that a script can run other programs.
        read: vec!["/usr/bin".into()],
        tools: None,
    }
}

async fn run_within(workshop: &Workshop, limits: Limits, words: &[&str]) -> Option<Ended> {
    workshop.run(task(limits, words)).await.unwrap()
}

/// What a shell script said, in a workshop of its own.
async fn said(script: &str) -> String {
    let place = place();
    let workshop = Workshop::open(place.path(), "test-").unwrap();
    run_within(&workshop, LIMITS, &["/bin/sh", "-c", script])
        .await
        .unwrap()
        .said
}

/// What a piece of Python said.
async fn python_said(script: &str) -> String {
    let place = place();
    let workshop = Workshop::open(place.path(), "test-").unwrap();
    let words = ["/usr/bin/python3", "-I", "-S", "-c", script];
    let ended = run_within(&workshop, LIMITS, &words).await.unwrap();
    ended.said
}

/// Whether this machine's kernel has Landlock, without which files are not sealed.
async fn is_sealed() -> bool {
    !Walls::find()
        .await
        .unwrap()
        .to_string()
        .contains("landlock: no")
}

#[tokio::test]
async fn a_program_has_its_folder_and_no_other_variable() {
    let text = said(
        "exec 3</proc/self/environ; tr '\\0' ' ' <&3 >&2; \
         echo made >$TMPDIR/file; cat file >&2",
    )
    .await;

    assert_eq!(text, "TMPDIR=/proc/self/cwd made\n");
}

#[tokio::test]
async fn root_hands_the_work_to_somebody_who_is_nobody() {
    let text = said("id -u >&2; id -G >&2; cat /proc/1/status >&2 || echo no others >&2").await;

    if rustix::process::geteuid().is_root() {
        assert!(text.starts_with("59328\n59328\n"), "{text}");
    }
    if is_sealed().await {
        assert!(text.ends_with("no others\n"), "{text}");
    }
}

#[tokio::test]
async fn tools_can_be_used_by_who_cannot_reach_them_and_nothing_beside_them() {
    let closed = place();
    let tools = closed.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    for (name, text) in [
        ("tools/run", "#!/bin/sh\necho ran >&2\n"),
        ("secret", "secret"),
    ] {
        let path = closed.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(&tools, PermissionsExt::from_mode(0o755)).unwrap();
    let place = place();
    let workshop = Workshop::open(place.path(), "test-").unwrap();

    let script = "$TOOLS/run; ls $TOOLS >&2; cat $TOOLS/../secret >&2; echo x >$TOOLS/new";
    let words = ["/bin/sh", "-c", script];
    let task = Task {
        tools: Some(tools.clone()),
        ..task(LIMITS, &words)
    };
    let said = workshop.run(task).await.unwrap().unwrap().said;

    assert!(said.starts_with("ran\nrun\n"), "{said}");
    assert_eq!(tools.read_dir().unwrap().count(), 1);
    if is_sealed().await {
        assert!(!said.contains("secret\n"), "{said}");
    }
}

#[tokio::test]
async fn no_file_outside_can_be_read_or_written() {
    if !is_sealed().await {
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    std::fs::set_permissions(outside.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let secret = outside.path().join("host.key");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o666)).unwrap();
    let secret = secret.to_str().unwrap();

    let text = said(
        &format!(
            "for path in {secret} /etc/shadow /etc/passwd /proc/self/root/etc/passwd; do \
           cat $path && echo read $path; done; \
         ls {0} / /tmp && echo listed; \
         echo x >{secret} && echo written; echo x >{0}/new && echo made; \
         rm {secret} && echo removed; mv {secret} . && echo moved; \
         ln {secret} link && cat link && echo linked; \
         ln -s {secret} symlink && echo led; mkfifo pipe && echo piped; \
         cp /usr/bin/true . && ./true && echo ran; \
         echo end",
            outside.path().display()
        )
        .replace("echo", "echo >&2"),
    )
    .await;

    let words = [
        "read", "listed", "written", "made", "removed", "moved", "linked", "led",
    ];
    for word in words.iter().chain(&["piped", "ran"]) {
        assert!(!text.lines().any(|line| line.starts_with(word)), "{text}");
    }
    assert!(text.ends_with("end\n"), "{text}");
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
    assert_eq!(outside.path().read_dir().unwrap().count(), 1);
}

#[tokio::test]
async fn nothing_outside_can_be_connected_to_or_signalled() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let name = format!("skep-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();

    let text = python_said(&format!(
        "import socket, os, sys
def attempt(what, act):
    try:
        act()
        print(what, 'worked', file=sys.stderr)
    except OSError as error:
        print(what, 'refused', file=sys.stderr)
attempt('tcp', lambda: socket.create_connection(('127.0.0.1', {port}), 5))
attempt('unix', lambda: socket.socket(socket.AF_UNIX).connect('\\0{name}'))
attempt('signal', lambda: os.kill({}, 0))",
        std::process::id()
    ))
    .await;

    let walls = Walls::find().await.unwrap().to_string();
    if walls.contains("network namespace: yes") {
        assert!(text.contains("tcp refused\nunix refused\n"), "{text}");
    }
    if walls.contains("process namespace: yes") {
        assert!(text.contains("signal refused\n"), "{text}");
    }
}

#[tokio::test]
async fn a_fork_bomb_ends_at_the_number_of_processes() {
    let walls = Walls::find().await.unwrap().to_string();
    if walls.contains("user: 0") {
        return;
    }

    let text = python_said(
        "import os, sys, time
made = 0
try:
    for _ in range(1000):
        if os.fork() == 0:
            time.sleep(1000)
        made += 1
except OSError as error:
    print(made, error.errno, file=sys.stderr)",
    )
    .await;

    let (made, error) = text.trim().split_once(' ').unwrap();
    assert!(made.parse::<u64>().unwrap() < LIMITS.processes, "{text}");
    assert_eq!(error, rustix::io::Errno::AGAIN.raw_os_error().to_string());
}

#[tokio::test]
async fn no_process_is_left_behind() {
    let walls = Walls::find().await.unwrap().to_string();
    if !walls.contains("process namespace: yes") {
        return;
    }

    // It keeps standard error open, which is read to its end: were it left, this would hang.
    let text = said("setsid sleep 1000000 & echo gone >&2").await;

    assert_eq!(text, "gone\n");
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_ended_with_all_it_started() {
    let place = place();
    let workshop = Workshop::open(place.path(), "test-").unwrap();
    let limits = Limits {
        wall: Duration::from_millis(300),
        ..LIMITS
    };

    let ended = run_within(&workshop, limits, &["/bin/sh", "-c", "sleep 1000 & wait"]).await;

    assert!(ended.is_none());
    workshop.close().await;
    assert_eq!(place.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn how_a_program_ends_is_told() {
    let place = place();
    let workshop = Workshop::open(place.path(), "test-").unwrap();

    for (script, code) in [("exit 7", 7), ("kill -9 $$ & wait; exit 3", 3)] {
        let ended = run_within(&workshop, LIMITS, &["/bin/sh", "-c", script]).await;
        assert_eq!(ended.unwrap().status.code(), Some(code), "{script}");
    }
    let ended = run_within(&workshop, LIMITS, &["/no/such/program"]).await;
    let ended = ended.unwrap();
    assert_eq!(ended.status.code(), Some(126));
    assert!(
        ended
            .said
            .starts_with("skep launch: cannot run `/no/such/program`: No such file"),
        "{}",
        ended.said
    );
}

#[tokio::test]
async fn only_the_last_words_are_kept() {
    let text = said("yes | head -c 30000000 >&2; echo last >&2").await;

    assert_eq!(text.len(), LAST_WORDS);
    assert!(text.ends_with("y\nlast\n"));
}

#[tokio::test]
async fn whatever_a_program_leaves_is_removed() {
    let place = place();
    let workshop = Workshop::open(place.path(), "test-").unwrap();

    let script = "import os
os.makedirs('closed/inner')
open('closed/inner/file', 'w').close()
os.chmod('closed/inner', 0)
os.chmod('closed', 0)
for name in ('1', '2'):
    os.mkdir(name)
    open(name + '/3', 'w').close()
for _ in range(3000):
    os.mkdir('deep')
    os.chdir('deep')
    open('file', 'w').close()";
    let words = ["/usr/bin/python3", "-I", "-S", "-c", script];
    let ended = run_within(&workshop, LIMITS, &words).await.unwrap();
    assert!(ended.status.success(), "{}", ended.said);

    workshop.close().await;
    assert_eq!(place.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_user_exists_where_the_map_of_the_namespace_has_one() {
    assert!(is_mapped("         0          0 4294967295\n", NOBODY));
    assert!(is_mapped("0 100000 65536", NOBODY));
    assert!(!is_mapped("0 1000 1", NOBODY));
    assert!(is_mapped("0 1000 1\n1 100000 65536\n", NOBODY));
    assert!(!is_mapped("", NOBODY));
}
