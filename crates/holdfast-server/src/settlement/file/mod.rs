//! Settlement files as CSV. What stands where is a [`Spec`], so that another acquirer's file is a table and not a program; without one
//! it is the format that docs/acquirer.md describes, which [`write`] makes and [`read`] takes.

mod read;
mod spec;
#[cfg(test)]
mod tests;
mod write;

pub use read::{ReadError, read};
pub use spec::{Spec, SpecError};
pub use write::write;
