//! Everything that the operators' processes logged, as far as it matters here: what each said,
//! how far jobs were to it, when it started and ended, and what it complained of.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use assay_cli::devnet::Told;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::plan::{Moment, Phase};

/// One line of a log.
#[derive(Deserialize)]
struct Line {
    level: String,
    target: String,
    fields: Map<String, Value>,
}

impl Line {
    fn text(&self, field: &str) -> String {
        match self.fields.get(field) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    fn number(&self, field: &str) -> u64 {
        self.text(field).parse().unwrap_or(0)
    }
}

/// Where one operator may say one thing. Its consensus key and its place in the committee count as
/// two operators: they never speak about the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    /// Who.
    pub(crate) operator: String,
    /// What kind of statement.
    pub(crate) kind: String,
    /// About what.
    pub(crate) place: String,
}

/// A statement that was waited for.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    /// Who said it.
    pub(crate) victim: usize,
    /// What it is about.
    pub(crate) place: String,
    /// The ledger height that a submission settles; 0 else.
    pub(crate) settles: u64,
    /// When the line was read.
    pub(crate) at: Instant,
}

/// What is waited for.
struct Armed {
    victim: Option<usize>,
    phase: Phase,
    moment: Moment,
    fire: oneshot::Sender<Hit>,
}

/// One operator's process, over all its lives.
#[derive(Default)]
pub(crate) struct Node {
    /// The last height that it voted at.
    pub(crate) height: u64,
    /// Times it has started.
    pub(crate) started: usize,
    /// Times it has ended, with all that it logged read.
    pub(crate) ended: usize,
    /// Times it is to end.
    pub(crate) to_end: usize,
    /// Votes that it has sent since it started.
    pub(crate) votes: usize,
    /// Jobs that concluded, by height.
    pub(crate) concluded: BTreeMap<u64, BTreeSet<u64>>,
    sent: BTreeSet<(String, String)>,
    over: BTreeSet<(Phase, String)>,
}

/// All of it.
#[derive(Default)]
pub(crate) struct Record {
    names: Vec<String>,
    /// The operators.
    pub(crate) nodes: Vec<Node>,
    /// What was said, with the digests of it. More than one contradict each other.
    said: BTreeMap<Slot, BTreeSet<String>>,
    /// Statements sent and heard, by kind.
    pub(crate) counts: BTreeMap<String, (u64, u64)>,
    /// Warnings and errors, their numbers and hashes replaced, and how often each came.
    pub(crate) complaints: BTreeMap<(String, String), u64>,
    /// What must not have happened.
    pub(crate) failures: Vec<String>,
    armed: Option<Armed>,
}

impl Record {
    /// Of processes with these names, in the operators' order.
    pub(crate) fn new(names: Vec<String>) -> Self {
        let nodes = names.iter().map(|_| Node::default()).collect();
        Self { names, nodes, ..Self::default() }
    }

    /// Waits for a statement of a phase that is not over at the victim, or at whoever says it.
    pub(crate) fn arm(
        &mut self,
        victim: Option<usize>,
        phase: Phase,
        moment: Moment,
    ) -> oneshot::Receiver<Hit> {
        let (fire, hit) = oneshot::channel();
        self.armed = Some(Armed { victim, phase, moment, fire });
        hit
    }

    /// Waits for nothing any more.
    pub(crate) fn disarm(&mut self) {
        self.armed = None;
    }

    /// Whether an operator has logged that it sends this.
    pub(crate) fn has_sent(&self, number: usize, phase: Phase, place: &str) -> bool {
        let key = (phase.kind().to_owned(), place.to_owned());
        self.nodes[number].sent.contains(&key)
    }

    /// Whether a phase was over as far as an operator has logged.
    pub(crate) fn is_over(&self, number: usize, phase: Phase, place: &str) -> bool {
        self.nodes[number].over.contains(&(phase, place.to_owned()))
    }

    /// Slots that were filled with different things.
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let twice = self.said.iter().filter(|(_, digests)| digests.len() > 1);
        twice
            .map(|(Slot { operator, kind, place }, digests)| {
                format!("operator {operator} said different things as {kind} {place}: {digests:?}")
            })
            .collect()
    }

    /// Slots that were filled.
    pub(crate) fn slots(&self) -> usize {
        self.said.len()
    }

    /// Takes in what a process did.
    pub(crate) fn hear(&mut self, told: Told) {
        match told {
            Told::Ended { process } => {
                let Some(number) = self.number(&process) else { return };
                let node = &mut self.nodes[number];
                node.ended += 1;
                if node.ended > node.to_end {
                    self.failures.push(format!("{process} ended by itself"));
                }
            }
            Told::Line { process, text } => {
                let Some(number) = self.number(&process) else { return };
                match serde_json::from_str::<Line>(&text) {
                    Ok(line) => self.line(number, &line),
                    // Such as a panic's message.
                    Err(_) => self.failures.push(format!("{process} wrote: {text}")),
                }
            }
        }
    }

    fn number(&self, process: &str) -> Option<usize> {
        self.names.iter().position(|name| name == process)
    }

    fn line(&mut self, number: usize, line: &Line) {
        let message = line.text("message");
        if line.target == "statements" {
            return self.statement(number, line);
        }
        if line.level == "WARN" || line.level == "ERROR" {
            let module = line.target.split("::").next().unwrap_or_default();
            let details = ["error", "event", "trouble"].map(|field| line.text(field));
            let text = format!("{module}: {message} {}", details.join(" "));
            let key = (line.level.clone(), masked(text.trim()));
            *self.complaints.entry(key).or_default() += 1;
        }
        let node = &mut self.nodes[number];
        let job = line.text("job");
        match message.as_str() {
            "node started" => {
                node.started += 1;
                node.votes = 0;
            }
            "job opened" => {
                node.over.insert((Phase::Saw, job));
            }
            "reveals opened" => {
                node.over.insert((Phase::Commit, job));
            }
            "job concluded" => {
                let jobs = node.concluded.entry(line.number("height")).or_default();
                jobs.insert(line.number("index"));
                for phase in [Phase::Saw, Phase::Commit, Phase::Reveal] {
                    node.over.insert((phase, job.clone()));
                }
            }
            "signature on the ledger" => {
                node.over.insert((Phase::Partial, line.text("place")));
            }
            "submitter" => {
                let event = line.text("event");
                if let Some(rest) = event.strip_prefix("Mined { hash: ")
                    && let Some((hash, _)) = rest.split_once(',')
                {
                    node.over.insert((Phase::Submit, hash.to_owned()));
                }
            }
            _ => {}
        }
    }

    fn statement(&mut self, number: usize, line: &Line) {
        let [operator, kind, place, stage] =
            ["operator", "kind", "place", "stage"].map(|field| line.text(field));
        let at = Instant::now();
        let armed = self.armed.take_if(|armed| {
            armed.victim.is_none_or(|victim| victim == number)
                && armed.phase.kind() == kind
                && armed.moment.name() == stage
        });
        if let Some(armed) = armed {
            // Beacons and proofs of the key are signed alike; only outcomes are a phase.
            let outcomes = armed.phase != Phase::Partial || place.starts_with("attestation/");
            if outcomes && !self.is_over(number, armed.phase, &place) {
                let settles = line.number("height");
                let hit = Hit { victim: number, place: place.clone(), settles, at };
                let _ = armed.fire.send(hit);
            } else {
                self.armed = Some(armed);
            }
        }
        let counts = self.counts.entry(kind.clone()).or_default();
        match stage.as_str() {
            "sent" => counts.0 += 1,
            "heard" => counts.1 += 1,
            // Nobody has heard it yet, and if its signer dies now, nobody ever will.
            _ => return,
        }
        let node = &mut self.nodes[number];
        if stage == "sent" {
            node.sent.insert((kind.clone(), place.clone()));
            if kind == "prevote" || kind == "precommit" {
                let height = place.split('/').next().and_then(|text| text.parse().ok());
                node.height = node.height.max(height.unwrap_or(0));
                node.votes += 1;
            }
        }
        let slot = Slot { operator, kind, place };
        self.said.entry(slot).or_default().insert(line.text("digest"));
    }
}

/// A text with its numbers and hashes replaced, so that complaints can be counted.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let (name, end) = match word.char_indices().last() {
            Some((at, c)) if !c.is_ascii_alphanumeric() => word.split_at(at),
            _ => (word, ""),
        };
        let number = name.starts_with(|c: char| c.is_ascii_digit());
        masked.push_str(if number { "#" } else { name });
        masked.push_str(end);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record::new(vec!["node-0".into(), "node-1".into()])
    }

    fn said(stage: &str, operator: &str, kind: &str, place: &str, digest: &str) -> Told {
        let text = serde_json::json!({
            "level": "DEBUG",
            "target": "statements",
            "fields": {
                "message": "said", "stage": stage, "operator": operator, "kind": kind,
                "place": place, "digest": digest,
            },
        });
        Told::Line { process: "node-1".into(), text: text.to_string() }
    }

    fn event(level: &str, fields: Value) -> Told {
        let text = serde_json::json!({"level": level, "target": "oracle_node", "fields": fields});
        Told::Line { process: "node-1".into(), text: text.to_string() }
    }

    #[test]
    fn two_digests_in_one_place_are_a_contradiction() {
        for stage in ["sent", "heard"] {
            let mut record = record();
            record.hear(said("sent", "2", "commit", "0xaa", "0x01"));
            record.hear(said("heard", "2", "commit", "0xaa", "0x01"));
            record.hear(said("sent", "3", "commit", "0xaa", "0x02"));
            record.hear(said("sent", "2", "reveal", "0xaa", "0x02"));
            record.hear(said("sent", "2", "commit", "0xab", "0x02"));
            assert_eq!(record.contradictions(), Vec::<String>::new());
            record.hear(said(stage, "2", "commit", "0xaa", "0x02"));
            assert_eq!(record.contradictions().len(), 1);
        }
    }

    #[test]
    fn what_was_only_signed_contradicts_nothing() {
        let mut record = record();
        record.hear(said("signed", "2", "bundle", "7", "0x01"));
        record.hear(said("sent", "2", "bundle", "7", "0x02"));
        assert_eq!(record.contradictions(), Vec::<String>::new());
    }

    #[test]
    fn vote_for_another_block_after_a_restart_is_a_contradiction() {
        let mut record = record();
        record.hear(said("sent", "0xee", "prevote", "5/0", "nil"));
        record.hear(event("INFO", serde_json::json!({"message": "node started"})));
        record.hear(said("sent", "0xee", "prevote", "5/1", "0x01"));
        assert_eq!(record.contradictions(), Vec::<String>::new());
        record.hear(said("sent", "0xee", "prevote", "5/0", "0x01"));
        assert_eq!(record.contradictions().len(), 1);
        assert_eq!(record.nodes[1].height, 5);
    }

    #[test]
    fn armed_fires_at_the_phase_of_the_victim_only() {
        let mut record = record();
        let mut hit = record.arm(Some(1), Phase::Saw, Moment::Sent);
        let opened = serde_json::json!({"message": "job opened", "job": "0xaa"});
        record.hear(event("INFO", opened));
        record.hear(said("signed", "2", "saw", "0xbb", "0x01"));
        record.hear(said("heard", "2", "saw", "0xbb", "0x01"));
        record.hear(said("sent", "2", "got", "0xbb", "0x01"));
        record.hear(said("sent", "2", "saw", "0xaa", "0x01"));
        assert!(hit.try_recv().is_err(), "nothing of it is the phase that is waited for");
        record.hear(said("sent", "2", "saw", "0xbb", "0x01"));
        assert_eq!(hit.try_recv().unwrap().place, "0xbb");
    }

    #[test]
    fn beacons_are_no_partials_of_outcomes() {
        let mut record = record();
        let mut hit = record.arm(Some(1), Phase::Partial, Moment::Sent);
        record.hear(said("sent", "2", "partial", "beacon/4", "0x01"));
        assert!(hit.try_recv().is_err());
        record.hear(said("sent", "2", "partial", "attestation/0/4", "0x01"));
        assert!(hit.try_recv().is_ok());
    }

    #[test]
    fn end_that_nobody_asked_for_and_lines_that_are_no_log_are_failures() {
        let mut record = record();
        record.nodes[0].to_end = 1;
        record.hear(Told::Ended { process: "node-0".into() });
        assert_eq!(record.failures, Vec::<String>::new());
        record.hear(Told::Ended { process: "node-0".into() });
        let text = "thread 'main' panicked".into();
        record.hear(Told::Line { process: "node-1".into(), text });
        assert_eq!(record.failures.len(), 2);
    }

    #[test]
    fn complaints_are_counted_without_their_numbers() {
        let mut record = record();
        for number in [12, 13] {
            let message = format!("my fact {number} of 0xab{number} was skipped");
            record.hear(event("WARN", serde_json::json!({ "message": message })));
        }
        let text = "oracle_node: my fact # of # was skipped".to_owned();
        assert_eq!(record.complaints, BTreeMap::from([(("WARN".to_owned(), text), 2)]));
    }
}
