//! Object ids in records: hex digits in JSON, parsed once.

use gix::ObjectId;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub fn serialize<S: Serializer>(id: &ObjectId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectId, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

fn parse<E: Error>(hex: &str) -> Result<ObjectId, E> {
    hex.parse().map_err(|_| E::custom(format!("`{hex}` is no object's id")))
}

/// The same for several.
pub mod list {
    use super::{ObjectId, parse};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(ids: &[ObjectId], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(ToString::to_string))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ObjectId>, D::Error> {
        Vec::<String>::deserialize(deserializer)?.iter().map(|hex| parse(hex)).collect()
    }
}

/// The same where there may be none.
pub mod optional {
    use super::{ObjectId, parse};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(id: &Option<ObjectId>, serializer: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => serializer.collect_str(id),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ObjectId>, D::Error> {
        Option::<String>::deserialize(deserializer)?.as_deref().map(parse).transpose()
    }
}
