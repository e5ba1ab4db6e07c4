//! The inner side of a launch: this process limits itself.

use std::io;
use std::path::PathBuf;

use rustix::fs::Mode;
use rustix::process::{Gid, Resource, Rlimit, Signal, Uid};

use super::{DeathSignal, Restrictions, namespaces};

/// Why this process could not be limited as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestrictError {
    #[error("cannot limit {0}: {1}")]
    Limit(&'static str, io::Error),
    #[error("cannot become user {0} and group {1}: {2}")]
    Identity(u32, u32, io::Error),
    #[error("cannot give up the way to more rights: {0}")]
    Rights(io::Error),
    #[error("cannot use `{0}` as the working folder: {1}")]
    Folder(PathBuf, io::Error),
    #[error("cannot ask for a signal at the parent's death: {0}")]
    DeathSignal(io::Error),
    #[error("the process {0} that asked for this one is gone")]
    Orphaned(u32),
}

impl Restrictions {
    /// Limits the calling process, for whatever it executes next.
    ///
    /// No program that follows can gain rights, be it owned by root with the setuid bit.
    /// Identity and death signal belong to the calling thread: call it from the only one.
    ///
    /// # Errors
    ///
    /// When a limit cannot be set, or the parent is another process than it should be.
    /// Namespaces and the seal are the exception: they are there as far as the kernel gives
    /// them.
    pub(crate) fn apply(&self) -> Result<(), RestrictError> {
        if self.no_network {
            namespaces::leave_network();
        }
        self.limit_resources()?;
        if let Some(mask) = self.umask {
            rustix::process::umask(Mode::from_raw_mode(mask));
        }
        if let Some(folder) = &self.chdir {
            std::env::set_current_dir(folder)
                .map_err(|error| RestrictError::Folder(folder.clone(), error))?;
        }
        // After the working folder, which another user may not be able to reach by its path.
        self.change_identity()?;
        rustix::thread::set_no_new_privs(true)
            .map_err(|error| RestrictError::Rights(error.into()))?;
        // Last, because a change of user or namespace clears the death signal.
        self.follow_parent()
    }

    fn limit_resources(&self) -> Result<(), RestrictError> {
        let limits = [
            ("memory", Resource::As, self.limit_memory),
            ("data", Resource::Data, self.limit_data),
            ("processor time", Resource::Cpu, self.limit_cpu),
            ("open files", Resource::Nofile, self.limit_files),
            ("file size", Resource::Fsize, self.limit_file_size),
            ("processes", Resource::Nproc, self.limit_processes),
        ];
        for (name, resource, limit) in limits {
            let Some(limit) = limit else { continue };
            // Nobody but root may ask for more than there is already.
            let ceiling = rustix::process::getrlimit(resource).maximum;
            let limit = Some(ceiling.map_or(limit, |ceiling| limit.min(ceiling)));
            let limit = Rlimit {
                current: limit,
                maximum: limit,
            };
            rustix::process::setrlimit(resource, limit)
                .map_err(|error| RestrictError::Limit(name, error.into()))?;
        }
        Ok(())
    }

    fn change_identity(&self) -> Result<(), RestrictError> {
        let (Some(user), Some(group)) = (self.uid, self.gid) else {
            return Ok(());
        };
        let uid = Uid::from_raw(user);
        let gid = Gid::from_raw(group);
        // The order matters: without the user's rights no group can be changed any more.
        rustix::thread::set_thread_groups(&[])
            .and_then(|()| rustix::thread::set_thread_res_gid(gid, gid, gid))
            .and_then(|()| rustix::thread::set_thread_res_uid(uid, uid, uid))
            .map_err(|error| RestrictError::Identity(user, group, error.into()))
    }

    pub(super) fn follow_parent(&self) -> Result<(), RestrictError> {
        if let Some(signal) = self.die_with_parent {
            let signal = match signal {
                DeathSignal::Int => Signal::INT,
                DeathSignal::Term => Signal::TERM,
                DeathSignal::Kill => Signal::KILL,
            };
            rustix::process::set_parent_process_death_signal(Some(signal))
                .map_err(|error| RestrictError::DeathSignal(error.into()))?;
        }
        // A parent that died before the request above will never be signalled.
        let Some(parent) = self.parent else {
            return Ok(());
        };
        let actual = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
        if actual.and_then(|pid| u32::try_from(pid).ok()) == Some(parent) {
            Ok(())
        } else {
            Err(RestrictError::Orphaned(parent))
        }
    }
}
