//! Randomness from the browser's generator.

use holdfast_core::outbox::StoreFault;

/// Fills an array. Fails only in a browser without `crypto`.
pub fn bytes<const N: usize>() -> Result<[u8; N], StoreFault> {
    let mut bytes = [0; N];
    let crypto = crate::js::global().crypto().ok_or(StoreFault::Broken)?;
    crypto.get_random_values_with_u8_array(&mut bytes).map_err(|_| StoreFault::Broken)?;
    Ok(bytes)
}
