//! The till: entry point of the page.

fn main() {}
