//! Schemas and their steps. Each step has one number and one name, and a text for each database. A released one is never edited.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Number, name, text.
pub type Step = (i64, &'static str, &'static str);

/// Tables that belong together.
#[derive(Debug)]
pub struct Schema {
    /// The PostgreSQL schema that they are kept in, where it is not the default one.
    pub apart: Option<&'static str>,
    sqlite: &'static [Step],
    postgres: &'static [Step],
}

macro_rules! steps {
    ($folder:literal: $($number:literal $name:literal),* $(,)?) => {
        &[$(($number, $name, include_str!(concat!("../../../migrations/", $folder, "/", $name, ".sql")))),*]
    };
}

/// The server's books.
pub const BOOKS: Schema = Schema {
    apart: None,
    sqlite: steps!("server/sqlite": 1 "0001_first", 2 "0002_events", 3 "0003_replicas", 4 "0004_zone", 5 "0005_keys", 6 "0006_mail", 7 "0007_journal", 8 "0008_people", 9 "0009_instructions", 10 "0010_settlement", 11 "0011_missing", 12 "0012_desk", 13 "0013_webhooks", 14 "0014_exchanges", 15 "0015_again", 16 "0016_policy", 17 "0017_staff", 18 "0018_voids"),
    postgres: steps!("server/postgres": 1 "0001_first", 2 "0002_events", 3 "0003_replicas", 4 "0004_zone", 5 "0005_keys", 6 "0006_mail", 7 "0007_journal", 8 "0008_people", 9 "0009_instructions", 10 "0010_settlement", 11 "0011_missing", 12 "0012_desk", 13 "0013_webhooks", 14 "0014_exchanges", 15 "0015_again", 16 "0016_policy", 17 "0017_staff", 18 "0018_voids"),
};

/// The books of the demo's acquirer.
pub const SIMULATOR: Schema = Schema {
    apart: Some("simulator"),
    sqlite: steps!("simulator/sqlite": 1 "0001_ledger", 2 "0002_plans", 3 "0003_numbers"),
    postgres: steps!("simulator/postgres": 1 "0001_ledger", 2 "0002_plans", 3 "0003_numbers"),
};

impl Schema {
    /// The last step that this program knows.
    pub fn version(&self) -> i64 {
        self.sqlite.last().map_or(0, |(number, ..)| *number)
    }

    pub fn for_sqlite(&self) -> Migrator {
        migrator(self.sqlite)
    }

    pub fn for_postgres(&self) -> Migrator {
        let mut migrator = migrator(self.postgres);
        if let Some(schema) = self.apart {
            migrator.create_schema(schema);
            migrator.dangerous_set_table_name(format!("{schema}._sqlx_migrations"));
        }
        migrator
    }
}

fn migrator(steps: &[Step]) -> Migrator {
    let list = steps.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    Migrator::with_migrations(list.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_take_the_same_steps_in_order() {
        for schema in [BOOKS, SIMULATOR] {
            let names = |steps: &[Step]| steps.iter().map(|(number, name, _)| (*number, *name)).collect::<Vec<_>>();
            assert_eq!(names(schema.sqlite), names(schema.postgres));
            for (expected, (number, name, text)) in (1..).zip(schema.sqlite) {
                assert_eq!(*number, expected);
                assert!(name.starts_with(&format!("{number:04}_")) && !text.is_empty(), "{name}");
            }
        }
    }
}
