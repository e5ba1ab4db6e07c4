//! How much memory this process may have: the machine's, or its control group's.

use std::fs;
use std::path::Path;

/// Bytes of memory that the kernel lets this process have; none where it does not say.
pub(crate) fn memory() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| total(&text));
    [machine, control_group()].into_iter().flatten().min()
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The tightest limit of this process's group and of those above it.
fn control_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let (root, file, group) = place(&groups)?;
    Path::new(group.trim_start_matches('/'))
        .ancestors()
        .filter_map(|group| fs::read_to_string(Path::new(root).join(group).join(file)).ok())
        // "max" is no number, and no limit.
        .filter_map(|text| text.trim().parse().ok())
        .min()
}

/// Where the memory limit of a group is, from `/proc/self/cgroup`: version 2, or 1.
fn place(groups: &str) -> Option<(&'static str, &'static str, &str)> {
    let find = |kind: fn(&str) -> bool| {
        groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let of_this_kind = parts.next().is_some_and(kind);
            parts.next().filter(|_| of_this_kind)
        })
    };
    let first = find(|controllers| controllers.split(',').any(|name| name == "memory"));
    match first {
        Some(group) => Some(("/sys/fs/cgroup/memory", "memory.limit_in_bytes", group)),
        None => find(str::is_empty).map(|group| ("/sys/fs/cgroup", "memory.max", group)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_says_how_much_memory_it_has() {
        assert!(memory().unwrap() > 64 << 20);
    }

    #[test]
    fn the_total_is_read_in_bytes() {
        assert_eq!(
            total("MemTotal:       24683008 kB\nMemFree: 1 kB\n"),
            Some(24_683_008 * 1024)
        );
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn a_group_is_found_in_either_version() {
        assert_eq!(
            place("0::/system.slice/skep.service\n"),
            Some(("/sys/fs/cgroup", "memory.max", "/system.slice/skep.service"))
        );
        assert_eq!(
            place("3:cpu,cpuacct:/a\n2:memory:/b\n0::/\n"),
            Some(("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "/b"))
        );
    }
}
