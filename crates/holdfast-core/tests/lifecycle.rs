//! docs/lifecycle.md is what the code says.

#[test]
fn the_document_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lifecycle.md");
    let made = holdfast_core::payment::lifecycle_markdown();
    if std::env::var_os("HOLDFAST_WRITE_DOCS").is_some() {
        std::fs::write(path, &made).expect("writes the document");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == made, "docs/lifecycle.md is not what the code says; run this test with HOLDFAST_WRITE_DOCS=1");
}
