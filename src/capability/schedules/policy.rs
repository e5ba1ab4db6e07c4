//! How often a call may ask for schedules.

/// How often one call may read schedules.
pub(crate) const MAX_READS: u32 = 1_000;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call read schedules more than {MAX_READS} times: keep what they are in variables")]
pub(crate) struct TooManyReads;

/// How often a call has asked.
#[derive(Debug, Default)]
pub(crate) struct Uses(u32);

impl Uses {
    /// Counts a read.
    pub(crate) fn read(&mut self) -> Result<(), TooManyReads> {
        self.0 = self.0.saturating_add(1);
        if self.0 > MAX_READS {
            return Err(TooManyReads);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_reads_so_often_and_no_more() {
        let mut uses = Uses::default();

        for _ in 0..MAX_READS {
            assert_eq!(uses.read(), Ok(()));
        }
        assert_eq!(uses.read(), Err(TooManyReads));
    }
}
