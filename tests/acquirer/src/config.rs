//! What `serve` is told about the host.

use crate::peer::Speech;

/// Its arguments, for a host behind `port` that is waited for so long.
pub fn arguments(port: u16, speech: Speech, connect_ms: u64, answer_ms: u64) -> Vec<String> {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().expect("a file").into_temp_path();
    let text = format!(
        "address = \"127.0.0.1:{port}\"\nterminal = \"HOLDFST1\"\nmerchant = \"MERCHANT0000001\"\ninstitution = \"123456\"\n\
         connect_ms = {connect_ms}\nanswer_ms = {answer_ms}\necho_ms = 5000\n{}",
        speech.ours
    );
    std::fs::write(&file, text).expect("writes");
    let path = file.keep().expect("stays").display().to_string();
    ["--acquirer", "iso8583", "--acquirer-config", &path].map(str::to_owned).to_vec()
}
