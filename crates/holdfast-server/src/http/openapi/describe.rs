//! How a route is described: what it takes, what it gives, and which problems are its own.

use super::access::{problems, requirements, words};
use super::{ApiError, problems};
use crate::http::routes::Route;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Ref, Type};
use utoipa::openapi::{RefOr, Required, Schema};

/// The schemas that descriptions name.
#[derive(Default)]
pub struct Schemas {
    found: BTreeMap<String, RefOr<Schema>>,
}

impl Schemas {
    fn add<T: ToSchema>(&mut self) {
        let mut all = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut all);
        self.found.extend(all);
    }

    pub fn all(self) -> BTreeMap<String, RefOr<Schema>> {
        self.found
    }
}

type AddSchema = fn(&mut Schemas);

/// A body of JSON.
struct Shape {
    name: String,
    example: Value,
    add: AddSchema,
}

impl Shape {
    fn new<T: ToSchema>(example: Value) -> Self {
        Self { name: T::name().into_owned(), example, add: Schemas::add::<T> }
    }
}

struct GivenAs {
    status: u16,
    about: &'static str,
    shapes: Vec<(&'static str, Option<Shape>)>,
}

/// What is said of a route.
pub struct Description {
    pub method: &'static str,
    pub path: &'static str,
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
    about: String,
    parameters: Vec<Parameter>,
    takes: Option<Shape>,
    gives: Vec<GivenAs>,
    problems: Vec<ApiError>,
    is_tagged: bool,
}

/// A description that says nothing yet. `id` is the name that generated programs give the operation.
pub fn describe(
    tag: &'static str,
    method: &'static str,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
) -> Description {
    let (about, parameters, gives, problems) = (String::new(), Vec::new(), Vec::new(), Vec::new());
    Description { method, path, tag, id, summary, about, parameters, takes: None, gives, problems, is_tagged: false }
}

impl Description {
    /// More than the summary says.
    pub fn about(mut self, about: &str) -> Self {
        self.about = about.to_owned();
        self
    }

    /// A parameter in the path or the query.
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// The body, with an example.
    pub fn takes<T: ToSchema>(mut self, example: Value) -> Self {
        self.takes = Some(Shape::new::<T>(example));
        self
    }

    /// An answer of JSON, with an example.
    pub fn gives<T: ToSchema + Serialize>(mut self, status: u16, about: &'static str, example: Value) -> Self {
        let shapes = vec![("application/json", Some(Shape::new::<T>(example)))];
        self.gives.push(GivenAs { status, about, shapes });
        self
    }

    /// The same answer as text of another kind.
    pub fn or_text(mut self, kind: &'static str) -> Self {
        if let Some(last) = self.gives.last_mut() {
            last.shapes.push((kind, None));
        }
        self
    }

    /// An answer that is text.
    pub fn gives_text(mut self, status: u16, about: &'static str, kind: &'static str) -> Self {
        self.gives.push(GivenAs { status, about, shapes: vec![(kind, None)] });
        self
    }

    /// An answer without a body.
    pub fn gives_nothing(mut self, status: u16, about: &'static str) -> Self {
        self.gives.push(GivenAs { status, about, shapes: Vec::new() });
        self
    }

    /// The answer has an ETag; it is 304 to a request that names it.
    pub fn tagged(mut self) -> Self {
        self.is_tagged = true;
        self
    }

    /// Problems besides those of the door, of a body, and of a server that cannot.
    pub fn problems(mut self, problems: &[ApiError]) -> Self {
        self.problems.extend_from_slice(problems);
        self
    }

    /// The operation, with what follows from the route's entry.
    pub fn operation(self, route: &Route, is_demo: bool, schemas: &mut Schemas) -> Operation {
        let is_interface = route.path.starts_with("/api/");
        let mut problems = self.problems;
        problems.extend(problems_of_door(route));
        problems.push(ApiError::TOO_MANY_REQUESTS);
        if self.takes.is_some() {
            problems.extend([ApiError::REQUEST_UNREADABLE, ApiError::BODY_TOO_LARGE, ApiError::TOO_SLOW]);
            problems.push(ApiError::NOT_JSON);
        }
        if is_interface {
            problems.extend([ApiError::NOT_ACCEPTABLE, ApiError::TRY_LATER]);
        }
        let mut parameters = self.parameters;
        if route.is_once {
            parameters.push(header_parameter(
                "Idempotency-Key",
                "1 to 255 visible ASCII characters of the asker's own making, such as a UUID. The same request with the same key gets the first answer again, for a day.",
                r"^[\x21-\x7e]{1,255}$",
            ));
            problems.extend([
                ApiError::REQUEST_UNREADABLE,
                ApiError::IDEMPOTENCY_KEY_REUSED,
                ApiError::IDEMPOTENCY_KEY_IN_USE,
            ]);
        }
        if self.is_tagged {
            parameters.push(header_parameter("If-None-Match", "An ETag of an answer that the asker has.", ""));
        }
        let about = [self.about, words(route.access)].into_iter().filter(|text| !text.is_empty());
        let mut operation = OperationBuilder::new()
            .tag(self.tag)
            .summary(Some(self.summary))
            .operation_id(Some(self.id))
            .description(Some(about.collect::<Vec<_>>().join("\n\n")));
        for requirement in requirements(route.access, is_demo) {
            operation = operation.security(requirement);
        }
        for parameter in parameters {
            operation = operation.parameter(parameter);
        }
        if let Some(Shape { name, example, add }) = self.takes {
            add(schemas);
            let content =
                ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).example(Some(example)).build();
            let body = RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
            operation = operation.request_body(Some(body.build()));
        }
        for given in self.gives {
            let (status, answer) = answer(given, self.is_tagged, schemas);
            operation = operation.response(status, answer);
        }
        if self.is_tagged {
            operation =
                operation.response("304", with_tag(ResponseBuilder::new().description("It did not change.")).build());
        }
        if !problems.is_empty() {
            schemas.add::<holdfast_wire::problem::Problem>();
        }
        for (status, answer) in problems::answers(&problems) {
            operation = operation.response(status, answer);
        }
        operation.build()
    }
}

fn problems_of_door(route: &Route) -> Vec<ApiError> {
    problems(route.access, route.method != "GET")
}

fn answer(given: GivenAs, is_tagged: bool, schemas: &mut Schemas) -> (String, Response) {
    let mut response = ResponseBuilder::new().description(given.about);
    for (kind, shape) in given.shapes {
        let content = match shape {
            Some(Shape { name, example, add }) => {
                add(schemas);
                ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).example(Some(example)).build()
            }
            None => ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String).build())).build(),
        };
        response = response.content(kind, content);
    }
    if is_tagged {
        response = with_tag(response);
    }
    (given.status.to_string(), response.build())
}

fn with_tag(response: ResponseBuilder) -> ResponseBuilder {
    let mut tag = Header::new(ObjectBuilder::new().schema_type(Type::String).build());
    tag.description = Some("Names this answer, for If-None-Match.".to_owned());
    response.header("ETag", tag)
}

pub fn header_parameter(name: &str, about: &str, pattern: &str) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let schema = if pattern.is_empty() { schema } else { schema.pattern(Some(pattern)) };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema.build()))
        .build()
}

/// A text in the query.
pub fn query(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    of(ParameterIn::Query, Required::False, name, about, schema.into())
}

/// The same, without which nothing can be answered.
pub fn needed(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    of(ParameterIn::Query, Required::True, name, about, schema.into())
}

/// A part of the path.
pub fn part(name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    of(ParameterIn::Path, Required::True, name, about, schema.into())
}

fn of(place: ParameterIn, required: Required, name: &str, about: &str, schema: RefOr<Schema>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

/// Text of a pattern.
pub fn text(pattern: &str, example: &str) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .examples([Value::from(example)])
        .build()
        .into()
}

/// One of these words.
pub fn word(words: &[&str]) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied())).build().into()
}

/// A whole number.
pub fn number(minimum: i64, maximum: i64) -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    number.minimum(Some(int(minimum))).maximum(Some(int(maximum))).build().into()
}

fn int(value: i64) -> utoipa::Number {
    utoipa::Number::Int(isize::try_from(value).unwrap_or(isize::MAX))
}

/// A UUID of any version.
pub fn uuid(example: &str) -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let format = utoipa::openapi::SchemaFormat::Custom("uuid".to_owned());
    text.format(Some(format)).examples([Value::from(example)]).build().into()
}
