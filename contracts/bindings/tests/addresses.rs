//! The address file, its schema, and what a devnet writes are of one form.
#![cfg(feature = "deploy")]

use std::collections::BTreeSet;
use std::path::Path;

use alloy_primitives::{Address, B256};
use assay_bindings::addresses::{AddressFile, Published};
use assay_bindings::deploy::Deployment;
use serde_json::Value;

fn committed(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn deployment() -> Deployment {
    let at = Address::repeat_byte;
    Deployment {
        chain_id: 31_337,
        start_block: 1,
        token: at(1),
        operator_registry: at(2),
        hub: at(3),
        verifier_registry: at(4),
        resource_registry: at(5),
        escrow: at(6),
    }
}

fn published() -> Published {
    Published {
        name: "local".into(),
        ledger_id: B256::repeat_byte(7),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        deployment: deployment(),
    }
}

/// Whether `value` is of the form that `schema` describes; the part of JSON Schema that ours uses.
fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return fits(root, root.pointer(reference.trim_start_matches('#')).unwrap(), value);
    }
    match schema["type"].as_str().unwrap() {
        "integer" => value.is_u64(),
        "string" => value.as_str().is_some_and(|text| matches(schema.get("pattern"), text)),
        "array" => value
            .as_array()
            .is_some_and(|items| items.iter().all(|item| fits(root, &schema["items"], item))),
        "object" => {
            assert_eq!(schema["additionalProperties"], false);
            let properties = schema["properties"].as_object().unwrap();
            let names: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
            let required = schema["required"].as_array().unwrap();
            assert_eq!(names, required.iter().map(|name| name.as_str().unwrap()).collect());
            value.as_object().is_some_and(|fields| {
                names == fields.keys().map(String::as_str).collect()
                    && fields.iter().all(|(name, field)| fits(root, &properties[name], field))
            })
        }
        other => panic!("a type that this check does not know: {other}"),
    }
}

fn matches(pattern: Option<&Value>, text: &str) -> bool {
    let hex = |text: &str, digits| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let prefixed = |digits| text.strip_prefix("0x").is_some_and(|text: &str| hex(text, digits));
    match pattern.and_then(Value::as_str) {
        None => true,
        Some("^0x[0-9a-fA-F]{40}$") => prefixed(40),
        Some("^0x[0-9a-fA-F]{64}$") => prefixed(64),
        Some("^[0-9a-f]{40}$") => hex(text, 40) && text == text.to_lowercase(),
        Some(other) => panic!("a pattern that this check does not know: {other}"),
    }
}

#[test]
fn committed_address_file_is_read_and_fits_its_schema() {
    let file = committed("addresses.json");
    let schema = committed("addresses.schema.json");
    assert!(fits(&schema, &schema, &file));
    let file: AddressFile = serde_json::from_value(file).unwrap();
    let mut hubs = BTreeSet::new();
    for entry in &file.deployments {
        assert!(hubs.insert((entry.deployment.chain_id, entry.deployment.hub)), "{entry:?} twice");
    }
}

#[test]
fn what_a_devnet_writes_fits_the_schema() {
    let schema = committed("addresses.schema.json");
    let written = serde_json::to_value(deployment()).unwrap();
    assert!(fits(&schema, &schema["$defs"]["deployment"], &written));
    let entry = serde_json::to_value(published()).unwrap();
    assert!(fits(&schema, &schema["$defs"]["published"], &entry));
}

#[test]
fn another_form_does_not_fit_the_schema() {
    let schema = committed("addresses.schema.json");
    let form = &schema["$defs"]["published"];
    for (field, wrong) in [
        ("/deployment/hub", Value::from("0x1234")),
        ("/deployment/chain_id", Value::from("1")),
        ("/commit", Value::from("main")),
        ("/ledger_id", Value::Null),
    ] {
        let mut entry = serde_json::to_value(published()).unwrap();
        *entry.pointer_mut(field).unwrap() = wrong;
        assert!(!fits(&schema, form, &entry), "{field}");
        assert!(serde_json::from_value::<Published>(entry).is_err() || field == "/commit");
    }
    let mut entry = serde_json::to_value(published()).unwrap();
    entry["deployment"]["oracle"] = Value::from("0x");
    assert!(!fits(&schema, form, &entry));
    assert!(serde_json::from_value::<Published>(entry).is_err());
}
