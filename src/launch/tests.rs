use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use clap::Parser;

use super::*;

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    restrictions: Restrictions,
}

/// Runs a shell inside these limits and returns what it said.
async fn said(restrictions: Restrictions, script: &str) -> String {
    let mut command = restrictions.command(&own_binary(), "/bin/sh");
    let output = command.args(["-c", script]).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text + str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn every_limit_survives_the_command_line() {
    let all = Restrictions {
        uid: Some(7),
        gid: Some(8),
        die_with_parent: Some(DeathSignal::Term),
        parent: Some(9),
        umask: Some(0o077),
        limit_memory: Some(10),
        limit_data: Some(14),
        limit_cpu: Some(11),
        limit_files: Some(12),
        limit_file_size: Some(13),
        limit_processes: Some(14),
        chdir: Some("/x y".into()),
        no_network: true,
        alone: true,
        sealed: true,
        read: vec!["/a b".into(), "/c".into()],
        tools: Some("/d".into()),
    };
    for restrictions in [all, Restrictions::default()] {
        let mut words = vec![OsString::from("launch")];
        words.extend(restrictions.arguments());

        assert_eq!(Line::parse_from(words).restrictions, restrictions);
    }
}

#[tokio::test]
async fn limits_hold_for_the_program() {
    let restrictions = Restrictions {
        umask: Some(0o077),
        limit_memory: Some(512 * 1024 * 1024),
        limit_cpu: Some(7),
        limit_files: Some(33),
        limit_file_size: Some(1024 * 512),
        chdir: Some("/".into()),
        ..Restrictions::default()
    };

    let text = said(
        restrictions,
        "umask; ulimit -v; ulimit -t; ulimit -n; ulimit -f; pwd",
    )
    .await;

    assert_eq!(text, "0077\n524288\n7\n33\n1024\n/\n");
}

#[tokio::test]
async fn a_program_gets_the_callers_variables_and_no_other() {
    let mut command = Restrictions::default().command(&own_binary(), "/usr/bin/env");

    let output = command.env("ONLY", "this").output().await.unwrap();

    assert_eq!(output.stdout, b"ONLY=this\n");
}

#[tokio::test]
async fn root_becomes_another_user_with_no_other_group() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let restrictions = Restrictions {
        uid: Some(4321),
        gid: Some(4322),
        ..Restrictions::default()
    };

    let text = said(
        restrictions,
        "id -u; id -g; id -G; grep -E 'CapEff|NoNewPrivs' /proc/self/status",
    )
    .await;

    assert_eq!(
        text,
        "4321\n4322\n4322\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n"
    );
}

#[tokio::test]
async fn a_program_without_network_has_no_route() {
    let restrictions = Restrictions {
        no_network: true,
        ..Restrictions::default()
    };
    let own = std::fs::read_link("/proc/self/ns/net").unwrap();

    let text = said(
        restrictions,
        "readlink /proc/self/ns/net; grep -c . /proc/net/route; id -u",
    )
    .await;

    let lines: Vec<&str> = text.lines().collect();
    // Where the kernel refuses, the program runs all the same.
    if lines[0] != own.to_str().unwrap() {
        assert!(matches!(lines[1], "0" | "1"), "a heading and no route");
    }
    assert_eq!(lines[2], rustix::process::geteuid().to_string());
}

#[tokio::test]
async fn a_program_whose_parent_is_gone_does_not_start() {
    let restrictions = Restrictions {
        die_with_parent: Some(DeathSignal::Kill),
        parent: Some(1_234_567),
        ..Restrictions::default()
    };

    let text = said(restrictions, "echo started").await;

    assert_eq!(
        text,
        "skep launch: the process 1234567 that asked for this one is gone\n"
    );
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named() {
    let mut command = Restrictions::default().command(&own_binary(), "/no/such/program");

    let output = command.output().await.unwrap();

    assert_eq!(output.status.code(), Some(126));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("skep launch: cannot run `/no/such/program`: No such file"),
        "{text}"
    );
}

#[test]
fn a_program_that_is_to_die_with_us_outlives_the_thread_that_asked() {
    let restrictions = Restrictions::default().dying_with_us(DeathSignal::Kill);
    let asking = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut command = restrictions.command(&own_binary(), "/bin/cat");
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let child = spawn(command).await.unwrap();
            let input = child.stdin.unwrap().into_owned_fd().unwrap();
            let output = child.stdout.unwrap().into_owned_fd().unwrap();
            (File::from(input), File::from(output))
        })
    });
    let (mut input, output) = asking.join().unwrap();
    // What tokio made does not block.
    rustix::io::ioctl_fionbio(&output, false).unwrap();

    writeln!(input, "still there").unwrap();

    let mut answer = String::new();
    BufReader::new(output).read_line(&mut answer).unwrap();
    assert_eq!(answer, "still there\n");
}
