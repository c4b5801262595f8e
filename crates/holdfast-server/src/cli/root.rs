//! `holdfast root make`.

use crate::keys::root::{RootError, make_root_files};
use std::path::Path;

/// Makes the root key files in `dir`, unless they are there.
///
/// # Errors
/// When the directory cannot be written.
pub fn make(dir: &Path) -> Result<(), RootError> {
    if make_root_files(dir)? {
        println!("made root.private.json and root.public.json in {}", dir.display());
    } else {
        println!("root keys are already in {}: left as they are", dir.display());
    }
    Ok(())
}
