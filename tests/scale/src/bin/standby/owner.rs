//! The shop's owner, who is told what is missing.

use holdfast_contract_tests::{Server, binary};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Owner<'a> {
    server: &'a Server,
    bearer: String,
}

impl<'a> Owner<'a> {
    /// By the link that `holdfast owner add` prints, with a password and a second factor.
    pub fn sign_in(server: &'a Server, data: &Path, database: &str) -> Self {
        let mut add = Command::new(binary());
        add.args(["owner", "add", "--email", "ada@shop.example", "--data"]).arg(data);
        let said = add.env("HOLDFAST_DATABASE", database).output().expect("the server's binary runs");
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let link = said.split_whitespace().find_map(|word| word.find("/office/welcome/").map(|at| &word[at..]));
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../hooks/owner.py");
        let base = format!("http://127.0.0.1:{}", server.port());
        let come_in = Command::new("python3").arg(script).args([&base, link.expect("a link")]).output();
        let token = String::from_utf8_lossy(&come_in.expect("python3 runs").stdout).trim().to_owned();
        assert!(!token.is_empty(), "nobody came in");
        Self { server, bearer: format!("Bearer {token}") }
    }

    /// The ids of all payments that tills were told are stored and that are gone.
    pub fn missing(&self) -> BTreeSet<String> {
        let (mut ids, mut path) = (BTreeSet::new(), "/api/v1/missing?limit=200".to_owned());
        loop {
            let answer = self.server.send("GET", &path, &[("authorization", &self.bearer)], b"");
            assert_eq!(answer.status, 200, "{}", answer.text());
            let page = answer.json();
            let lines = page["lines"].as_array().expect("lines");
            ids.extend(lines.iter().filter_map(|line| line["payment_id"].as_str().map(str::to_owned)));
            match page["cursor"].as_str() {
                Some(cursor) if !lines.is_empty() => path = format!("/api/v1/missing?limit=200&before={cursor}"),
                _ => return ids,
            }
        }
    }
}
