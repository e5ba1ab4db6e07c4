//! Compiles a component to machine code, in a process of its own.
//!
//! The compiler reads bytes that anybody may have made, and can be made to work for long. So
//! it gets no secret, no environment, no file but its own, and bounds on all it uses.

use std::path::Path;
use std::time::Duration;

use crate::launch::Limits;

/// What the compiling process may use.
pub(crate) const LIMITS: Limits = Limits {
    wall: Duration::from_secs(180),
    memory: 6 << 30,
    data: 6 << 30,
    cpu: 120,
    files: 256,
    // Compiled code is many times as large as the component.
    file_size: 1 << 30,
    processes: 1_024,
};

/// Compiles a component: what the hidden command `skep compile IN OUT` does. The code counts its
/// instructions where the engine that runs it is to count them.
///
/// # Errors
///
/// When the component is not valid, which its author must know, or files fail.
pub(crate) fn compile_file(input: &Path, output: &Path, count_fuel: bool) -> anyhow::Result<()> {
    let bytes = std::fs::read(input)?;
    let engine = super::for_compiling(count_fuel)?;
    let code = engine
        .precompile_component(&bytes)
        .map_err(|error| anyhow::anyhow!("the component is not valid WebAssembly: {error:#}"))?;
    std::fs::write(output, code)?;
    Ok(())
}
