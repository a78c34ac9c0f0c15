//! Shapes of what goes in and comes out, for the description.

use backgroundfx_core::options::Options;
use serde_json::{Map, Value, json};

use crate::{
    auth::{Role, Scopes},
    jobs::Status,
};

/// All of them by name.
#[must_use]
pub fn all() -> Value {
    let Value::Object(mut all) = inputs() else { return Value::Null };
    for more in [outputs(), access()] {
        if let Value::Object(more) = more {
            all.extend(more);
        }
    }
    Value::Object(all)
}

fn text() -> Value {
    json!({"type": "string"})
}

fn maybe(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}

fn file() -> Value {
    json!({"type": "string", "format": "binary"})
}

fn page(of: &str, name: &str, cursor: &str) -> Value {
    object(&[
        (name, json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{of}")}})),
        ("next_cursor", maybe(cursor)),
    ])
}

fn list(of: &str, name: &str) -> Value {
    object(&[(name, json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{of}")}}))])
}

fn object(fields: &[(&str, Value)]) -> Value {
    let fields: Map<String, Value> = fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "properties": fields})
}

fn strict(fields: &[(&str, Value)], required: &[&str]) -> Value {
    let mut schema = object(fields);
    schema["required"] = json!(required);
    schema["additionalProperties"] = false.into();
    schema
}

/// The schema that a value is an example of, for options: fields that are empty by default may be anything.
fn like(example: &Value) -> Value {
    match example {
        Value::Object(fields) => {
            let fields: Map<String, Value> = fields.iter().map(|(name, value)| (name.clone(), like(value))).collect();
            json!({"type": "object", "properties": fields, "additionalProperties": false})
        }
        Value::Array(_) => json!({"type": "array"}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(_) => json!({"type": "number"}),
        Value::String(text) => json!({"type": "string", "examples": [text]}),
        Value::Null => json!({}),
    }
}

fn inputs() -> Value {
    let options = || json!({"$ref": "#/components/schemas/Options"});
    let presets = json!({"enum": ["low", "medium", "high", "ultra"]});
    let common = [
        ("background", text()),
        ("background_image", file()),
        ("background_url", text()),
        ("preset", presets),
        ("model", text()),
        ("options", options()),
        ("format", text()),
        ("quality", json!({"type": "integer", "minimum": 1, "maximum": 100})),
        ("output", text()),
    ];
    let picture =
        [&[("image", file()), ("image_url", text()), ("image_base64", text()), ("mask", file())], &common[..]].concat();
    let removebg = [
        "image_url",
        "image_file_b64",
        "size",
        "type",
        "type_level",
        "format",
        "roi",
        "crop",
        "crop_margin",
        "scale",
        "position",
        "channels",
        "shadow_type",
        "shadow_opacity",
        "add_shadow",
        "semitransparency",
        "bg_color",
        "bg_image_url",
        "image_filename",
        "tag",
    ];
    let removebg: Vec<(&str, Value)> = removebg.iter().map(|name| (*name, text())).collect();
    json!({
        "Picture": object(&picture),
        "NewJob": new_job(&common),
        "Options": like(&serde_json::to_value(Options::default()).unwrap_or_default()),
        "GraphqlQuery": object(&[("query", text()), ("variables", json!({"type": "object"})), ("operationName", text())]),
        "NewProject": strict(&[("name", text()), ("data", json!({"type": "object"}))], &["name"]),
        "NewWebhook": strict(&[("url", json!({"type": "string", "format": "uri"}))], &["url"]),
        "Removebg": object(&[&[("image_file", file()), ("bg_image_file", file())], &removebg[..]].concat()),
        "Rembg": object(&[("file", file()), ("model", text()), ("a", text()), ("om", text()), ("bgc", text())]),
        "Anything": {},
    })
}

fn new_job(common: &[(&str, Value)]) -> Value {
    let many = |kind: Value| json!({"type": "array", "items": kind});
    let job = [
        &[
            ("image", many(file())),
            ("image_url", many(text())),
            ("image_base64", many(text())),
            ("video", many(file())),
            ("video_url", many(text())),
            ("upload", many(text())),
            ("masks", json!({"type": "object", "additionalProperties": {"type": "string"}})),
            ("name", text()),
            ("project", text()),
            ("metadata", texts()),
            ("priority", json!({"type": "integer", "minimum": -10, "maximum": 10})),
            ("start", json!({"type": "number", "minimum": 0})),
            ("end", json!({"type": "number", "minimum": 0})),
            ("silent", json!({"type": "boolean"})),
        ],
        common,
    ]
    .concat();
    object(&job)
}

fn item() -> Value {
    let statuses = json!({"enum": Status::ALL.map(Status::name)});
    let number = || json!({"type": "integer"});
    let share = json!({"type": "number", "minimum": 0, "maximum": 1});
    object(&[
        ("number", number()),
        ("name", maybe("string")),
        ("status", statuses.clone()),
        ("progress", share.clone()),
        ("stage", maybe("string")),
        ("attempts", number()),
        ("result", maybe("string")),
        ("media_type", maybe("string")),
        ("details", json!({})),
        ("error", maybe("object")),
    ])
}

fn job() -> Value {
    let statuses = json!({"enum": Status::ALL.map(Status::name)});
    let number = || json!({"type": "integer"});
    let share = json!({"type": "number", "minimum": 0, "maximum": 1});
    object(&[
        ("id", text()),
        ("kind", json!({"enum": ["pictures", "video"]})),
        ("name", maybe("string")),
        ("project", maybe("string")),
        ("status", statuses),
        ("priority", number()),
        ("progress", share),
        ("total", number()),
        ("counts", json!({"type": "object"})),
        ("created", text()),
        ("started", maybe("string")),
        ("finished", maybe("string")),
        ("expires", maybe("string")),
        ("links", json!({"type": "object"})),
        ("items", json!({"type": "array", "items": {"$ref": "#/components/schemas/Item"}})),
    ])
}

fn outputs() -> Value {
    let number = || json!({"type": "integer"});
    let project = object(&[
        ("id", text()),
        ("name", text()),
        ("data", json!({"type": "object"})),
        ("version", number()),
        ("created", text()),
        ("updated", text()),
    ]);
    let problem = object(&[
        ("type", text()),
        ("title", text()),
        ("status", number()),
        ("detail", text()),
        ("code", text()),
        ("hint", text()),
        ("request_id", text()),
    ]);
    let error = object(&[("title", text()), ("code", text()), ("detail", text())]);
    json!({
        "Job": job(),
        "Jobs": page("Job", "jobs", "string"),
        "Item": item(),
        "Items": page("Item", "items", "integer"),
        "MadePicture": made_picture(),
        "Pictures": page("MadePicture", "pictures", "string"),
        "Project": project,
        "Projects": page("Project", "projects", "string"),
        "Problem": problem,
        "RemovebgErrors": object(&[("errors", json!({"type": "array", "items": error}))]),
        "Detail": object(&[("detail", text()), ("code", text()), ("hint", text())]),
        "Named": object(&[("id", text())]),
        "Models": object(&[("models", json!({"type": "array"}))]),
        "DeviceOffer": object(&[
            ("model", text()),
            ("precision", json!({"enum": ["int8", "fp32"]})),
            ("input", json!({"type": "object", "description": "Pixels that the network sees; each channel, 0 to 1, less `mean`, over `std`."})),
            ("output", json!({"type": "object", "description": "The output's name, its channel, and what turns that into 0 to 1."})),
            ("files", json!({"type": "object", "description": "`script` and `wasm` of ONNX Runtime, the `network`, and the `edge_network` that corrects its mattes: each with `url` and `bytes`."})),
        ]),
        "Account": object(&[
            ("organisation", text()), ("actor", text()), ("role", text()), ("scopes", json!({"type": "array"})), ("rate", json!({"type": "object"})),
            ("limits", json!({"type": "object"})),
        ]),
    })
}

fn made_picture() -> Value {
    object(&[
        ("id", text()),
        ("kind", json!({"enum": ["pictures", "video"]})),
        ("name", maybe("string")),
        ("project", maybe("string")),
        ("metadata", texts()),
        ("job", text()),
        ("number", json!({"type": "integer"})),
        ("source", maybe("string")),
        ("options", json!({})),
        ("model", text()),
        ("details", json!({})),
        ("attempts", json!({"type": "integer"})),
        ("waited_and_worked_ms", json!({"type": "integer"})),
        ("created", text()),
    ])
}

/// Texts by keys of the sender's own.
fn texts() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string", "maxLength": 500}, "maxProperties": 20})
}

fn access() -> Value {
    let role = || json!({"enum": Role::ALL.map(Role::name)});
    let scopes = || json!({"type": "array", "minItems": 1, "items": {"enum": Scopes::ALL.names().collect::<Vec<_>>()}});
    let webhook = object(&[
        ("id", text()),
        ("url", text()),
        ("created", text()),
        ("disabled", maybe("string")),
        ("secret", text()),
    ]);
    let delivery = object(&[
        ("id", text()),
        ("event", text()),
        ("status", json!({"enum": ["waiting", "delivered", "failed"]})),
        ("attempts", json!({"type": "integer"})),
        ("created", text()),
        ("next", maybe("string")),
        ("last_answer", maybe("string")),
        ("payload", json!({})),
    ]);
    let key = object(&[
        ("id", text()),
        ("name", text()),
        ("prefix", text()),
        ("role", role()),
        ("scopes", scopes()),
        ("created", text()),
        ("last_used", maybe("string")),
        ("key", text()),
    ]);
    let user = object(&[
        ("id", text()),
        ("email", text()),
        ("role", role()),
        ("can_sign_in", json!({"type": "boolean"})),
        ("created", text()),
    ]);
    let seconds = json!({"type": "integer", "minimum": 1, "maximum": 86_400});
    let entry = object(&[("id", text()), ("actor", text()), ("action", text()), ("target", text()), ("at", text())]);
    json!({
        "Webhook": webhook,
        "Webhooks": list("Webhook", "webhooks"),
        "Delivery": delivery,
        "Deliveries": list("Delivery", "deliveries"),
        "NewKey": strict(&[("name", json!({"type": "string", "minLength": 1, "maxLength": 100})), ("role", role()), ("scopes", scopes())], &["name", "role"]),
        "Key": key,
        "Keys": list("Key", "keys"),
        "NewUser": strict(&[("email", text()), ("role", role()), ("password", text())], &["email", "role"]),
        "UserChange": strict(&[("role", role()), ("password", text())], &[]),
        "User": user,
        "Users": list("User", "users"),
        "SignIn": strict(&[("email", text()), ("password", text()), ("api_key", text())], &[]),
        "Link": object(&[("url", text()), ("expires", text())]),
        "Session": object(&[("actor", text()), ("role", role()), ("expires", text())]),
        "NewToken": strict(&[("role", role()), ("expires_in", seconds)], &[]),
        "Token": object(&[("token", text()), ("role", role()), ("expires", text())]),
        "AuditLog": object(&[("entries", json!({"type": "array", "items": entry}))]),
    })
}
