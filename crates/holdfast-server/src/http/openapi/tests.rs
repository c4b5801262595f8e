//! The document and the router say the same.

use super::*;
use serde_json::Value;
use std::collections::BTreeSet;

/// The routes of the interface. The others are pages.
fn is_described(route: &Route) -> bool {
    route.path.starts_with("/api/") || matches!(route.path, "/healthz" | "/r/{token}")
}

#[test]
fn every_route_is_described_once_and_every_description_has_a_route() {
    let described: Vec<_> = descriptions().iter().map(|d| (d.method, d.path)).collect();
    let routes: BTreeSet<_> = ROUTES.iter().filter(|r| is_described(r)).map(|r| (r.method, r.path)).collect();
    let missing: Vec<_> = routes.iter().filter(|route| !described.contains(route)).collect();
    assert!(missing.is_empty(), "describe these routes in http/openapi: {missing:?}");
    let strange: Vec<_> = described.iter().filter(|route| !routes.contains(route)).collect();
    assert!(strange.is_empty(), "these are described in http/openapi and are no routes: {strange:?}");
    assert_eq!(described.len(), routes.len(), "a route is described twice");
}

fn whole(is_demo: bool) -> Value {
    serde_json::to_value(document(is_demo)).expect("writes")
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &'_ Value)| {
        let item: Vec<_> = item.as_object().expect("a path").keys().cloned().collect();
        item.into_iter().map(|method| (path.clone(), method)).collect::<Vec<_>>()
    };
    let names = paths.iter().flat_map(of_path);
    names.map(|(path, method)| (format!("{method} {path}"), &paths[&path][&method])).collect()
}

#[test]
fn operations_are_named_apart_and_say_who_may() {
    let document = whole(false);
    assert_eq!(document["openapi"], "3.1.0");
    let operations = operations(&document);
    let ids: BTreeSet<_> = operations.iter().map(|(_, operation)| operation["operationId"].as_str()).collect();
    assert_eq!(ids.len(), operations.len());
    for (name, operation) in operations {
        assert!(operation["description"].as_str().is_some_and(|text| text.contains("Who may: ")), "{name}");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(TAGS.iter().any(|(known, _)| *known == tag), "{name}: {tag}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = whole(true);
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next());
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[test]
fn parameters_of_a_path_are_those_that_are_described() {
    let document = whole(false);
    for (name, operation) in operations(&document) {
        let in_path: BTreeSet<_> =
            name.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(str::to_owned).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let described: BTreeSet<_> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(in_path, described, "{name}");
    }
}

#[test]
fn only_a_demo_says_that_anybody_may_read_reports() {
    let security = |is_demo| whole(is_demo)["paths"]["/api/v1/reports/{kind}"]["get"]["security"].clone();
    let is_open = |security: Value| security.as_array().is_some_and(|all| all.contains(&serde_json::json!({})));
    assert!(is_open(security(true)) && !is_open(security(false)));
}
