//! What trunk will ask cargo for, read from index.html. Asked for beforehand, the till is compiled while trunk itself still is.

/// A `<link data-trunk rel="rust" …>`.
#[derive(Debug, PartialEq, Eq)]
pub struct RustLink {
    manifest: String,
    bin: Option<String>,
    profile: Option<String>,
}

impl RustLink {
    /// The call that trunk makes for it in a release build; the same call later finds everything done.
    pub fn cargo_arguments(&self) -> Vec<String> {
        let mut words = vec!["build", "--locked", "--target=wasm32-unknown-unknown", "--manifest-path", &self.manifest];
        match &self.profile {
            Some(profile) => words.extend(["--profile", profile]),
            None => words.push("--release"),
        }
        if let Some(bin) = &self.bin {
            words.extend(["--bin", bin]);
        }
        words.into_iter().map(str::to_owned).collect()
    }
}

pub fn rust_links(html: &str) -> Vec<RustLink> {
    let tags = html.split("<link").skip(1).filter_map(|from| from.split('>').next());
    let tags = tags.filter(|tag| tag.contains("data-trunk") && attribute(tag, "rel").as_deref() == Some("rust"));
    tags.map(|tag| RustLink {
        manifest: attribute(tag, "href").unwrap_or_else(|| "Cargo.toml".to_owned()),
        bin: attribute(tag, "data-bin"),
        profile: attribute(tag, "data-cargo-profile-release").or_else(|| attribute(tag, "data-cargo-profile")),
    })
    .collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!(" {name}=\"")).or_else(|| tag.split_once(&format!("\n{name}=\"")))?;
    after.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_call_is_made_as_trunk_will_make() {
        let html = "<link rel=\"icon\" href=\"/a.svg\">\n<link data-trunk rel=\"css\" href=\"a.css\">\n\
            <link data-trunk rel=\"rust\" href=\"Cargo.toml\" data-bin=\"till\"\n  data-cargo-profile-release=\"small\">\n\
            <link data-trunk rel=\"rust\" href=\"worker/Cargo.toml\" data-type=\"worker\">";
        let calls = rust_links(html).iter().map(|link| link.cargo_arguments().join(" ")).collect::<Vec<_>>();
        let start = "build --locked --target=wasm32-unknown-unknown --manifest-path";
        assert_eq!(calls[0], format!("{start} Cargo.toml --profile small --bin till"));
        assert_eq!(calls[1], format!("{start} worker/Cargo.toml --release"));
        assert_eq!(calls.len(), 2);
    }
}
