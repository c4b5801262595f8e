//! The schema's steps. Each has one number and one name, and a text for each database. A released one is never edited.

use super::Dialect;

/// Number, name, text.
pub type Step = (i64, &'static str, &'static str);

macro_rules! steps {
    ($folder:literal: $($number:literal $name:literal),* $(,)?) => {
        &[$(($number, $name, include_str!(concat!("../../../migrations/server/", $folder, "/", $name, ".sql")))),*]
    };
}

const SQLITE: &[Step] = steps!("sqlite": 1 "0001_first", 2 "0002_events");
const POSTGRES: &[Step] = steps!("postgres": 1 "0001_first", 2 "0002_events");

pub fn of(dialect: Dialect) -> &'static [Step] {
    match dialect {
        Dialect::Sqlite => SQLITE,
        Dialect::Postgres => POSTGRES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_take_the_same_steps_in_order() {
        let names = |steps: &[Step]| steps.iter().map(|(number, name, _)| (*number, *name)).collect::<Vec<_>>();
        assert_eq!(names(SQLITE), names(POSTGRES));
        for (expected, (number, name, text)) in (1..).zip(SQLITE) {
            assert_eq!(*number, expected);
            assert!(name.starts_with(&format!("{number:04}_")) && !text.is_empty(), "{name}");
        }
    }
}
