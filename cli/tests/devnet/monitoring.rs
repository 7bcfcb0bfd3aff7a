//! Alerts and dashboard: their form, and that a running node serves what they ask for.

use std::{collections::BTreeSet, fs, path::PathBuf};

use assay_cli::devnet::{Devnet, Options, Progress};
use yaml_rust2::{Yaml, YamlLoader};

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn deployed(file: &str) -> String {
    fs::read_to_string(repository().join("oracle-node/deploy").join(file)).unwrap()
}

/// All alerts of the rules file.
fn alerts() -> Vec<Yaml> {
    let file = YamlLoader::load_from_str(&deployed("prometheus/alerts.yml")).unwrap();
    let groups = file[0]["groups"].as_vec().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_vec().unwrap().clone()).collect()
}

fn dashboard() -> serde_json::Value {
    serde_json::from_str(&deployed("grafana/assay-node.json")).unwrap()
}

/// Panels of the dashboard, rows left out.
fn panels() -> Vec<serde_json::Value> {
    let panels = dashboard()["panels"].as_array().unwrap().clone();
    panels.into_iter().filter(|panel| panel["type"] != "row").collect()
}

/// Expressions of a panel.
fn queries(panel: &serde_json::Value) -> Vec<String> {
    let targets = panel["targets"].as_array().unwrap();
    targets.iter().map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The metrics of ours that an expression names.
fn names(expression: &str) -> BTreeSet<String> {
    expression
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("assay_"))
        .map(str::to_owned)
        .collect()
}

/// The text's headings as a book makes anchors of them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| line.trim_matches(['#', ' ']).to_lowercase().replace(' ', "-")).collect()
}

#[test]
fn every_alert_says_what_it_is_and_names_a_runbook_that_exists() {
    let runbook = fs::read_to_string(repository().join("docs/runbook.md")).unwrap();
    let (anchors, alerts) = (anchors(&runbook), alerts());
    assert!(alerts.len() > 20, "{} alerts", alerts.len());
    let mut known = BTreeSet::new();
    for alert in &alerts {
        let name = alert["alert"].as_str().unwrap();
        assert!(known.insert(name.to_lowercase()), "{name} comes twice");
        for field in ["summary", "description"] {
            let text = alert["annotations"][field].as_str().unwrap_or_default();
            assert!(text.len() > 10, "{name} has no {field}");
        }
        let severity = alert["labels"]["severity"].as_str().unwrap();
        assert!(["critical", "warning", "info"].contains(&severity), "{name}: {severity}");
        let link = alert["annotations"]["runbook"].as_str().unwrap();
        let anchor = link.strip_prefix("docs/runbook.md#").unwrap();
        assert!(anchors.contains(anchor), "{name}: the runbook has no {anchor}");
    }
    for anchor in anchors.iter().filter(|anchor| anchor.starts_with("assay")) {
        assert!(known.contains(anchor), "the runbook's {anchor} is no alert");
    }
}

#[test]
fn every_panel_of_the_dashboard_has_a_title_a_description_and_queries() {
    let panels = panels();
    assert!(panels.len() > 20, "{} panels", panels.len());
    for panel in &panels {
        for field in ["title", "description"] {
            assert!(panel[field].as_str().is_some_and(|text| !text.is_empty()), "{panel}");
        }
        let queries = queries(panel);
        assert!(!queries.is_empty(), "{panel}");
        for query in queries {
            assert!(!names(&query).is_empty() || query.starts_with("up{"), "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_of_alerts_and_dashboard_are_those_of_a_running_node() {
    let options = Options::new(env!("CARGO_BIN_EXE_assay").into());
    let devnet = Devnet::start(options, &Progress::shown()).await.unwrap();
    let text = devnet.operators()[0].client().metrics().await.unwrap();
    devnet.stop().await.unwrap();

    assert!(text.ends_with("# EOF\n"), "{text}");
    let sample = |line: &str| line.split(['{', ' ']).next().unwrap_or_default().to_owned();
    let served: BTreeSet<String> =
        text.lines().filter(|line| !line.starts_with('#')).map(sample).collect();
    let described = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(sample);
    for name in described {
        let total = format!("{name}_total");
        assert!(served.contains(&name) || served.contains(&total), "{name} has no sample");
    }
    let mut asked = BTreeSet::new();
    asked.extend(alerts().iter().flat_map(|alert| names(alert["expr"].as_str().unwrap())));
    asked.extend(panels().iter().flat_map(queries).flat_map(|query| names(&query)));
    assert!(asked.len() > 40, "{asked:?}");
    let missing: Vec<_> = asked.difference(&served).collect();
    assert!(missing.is_empty(), "nobody serves {missing:?}");
}
