//! Problems as answers: one for each status, whose schema names the problems that may be in it.

use super::ApiError;
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Ref, Schema, Type};

/// The answers to `problems`, by status.
pub fn answers(problems: &[ApiError]) -> BTreeMap<String, Response> {
    let mut by_status: BTreeMap<u16, Vec<&ApiError>> = BTreeMap::new();
    for problem in problems {
        let there = by_status.entry(problem.status().as_u16()).or_default();
        if !there.contains(&problem) {
            there.push(problem);
        }
    }
    by_status.into_iter().map(|(status, problems)| (status.to_string(), answer(status, &problems))).collect()
}

fn answer(status: u16, problems: &[&ApiError]) -> Response {
    let kinds: Vec<String> = problems.iter().map(|problem| problem.kind()).collect();
    let words: Vec<String> =
        problems.iter().map(|problem| format!("`{}`: {}", problem.name(), problem.title())).collect();
    let example = problems.first().map(|first| json!(first.problem()));
    let exact = ObjectBuilder::new()
        .property("type", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds)))
        .property("status", ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status])));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(exact);
    let content = ContentBuilder::new().schema(Some(Schema::AllOf(schema.build()))).example(example).build();
    let mut response =
        ResponseBuilder::new().description(words.join(". ")).content("application/problem+json", content);
    if problems.iter().any(|problem| problem.asks_to_wait()) {
        let mut seconds = Header::new(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build());
        seconds.description = Some("Seconds to wait.".to_owned());
        response = response.header("Retry-After", seconds);
    }
    response.build()
}
