//! What to simulate.

use serde::{Deserialize, Serialize};

/// The document on stdin: each scenario runs once with each seed.
#[derive(Debug, Deserialize)]
pub struct Plan {
    pub seeds: Vec<u64>,
    pub scenarios: Vec<Scenario>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Senders {
    /// The same node in every round: the crate's `GossipSingle`.
    One,
    /// Another node each round: `GossipMulti`.
    New,
    /// All nodes at once: `GossipAll`.
    All,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    pub senders: Senders,
    pub nodes: usize,
    pub rounds: usize,
    /// Least and most one-way milliseconds, drawn for each pair; equal: the same for all.
    pub latency_ms: [u64; 2],
    /// Virtual milliseconds before the first broadcast. No less than the 20
    /// longest latencies that the crate's bootstrap takes.
    pub warmup_ms: u64,
    /// This share of the nodes dies at once; three broadcasts in place of the rounds.
    #[serde(default)]
    pub kill: Option<f64>,
    /// Virtual milliseconds from the deaths to the last of the three broadcasts.
    #[serde(default = "heal_ms")]
    pub heal_ms: u64,
    /// Whether to print everybody's active view after the warm-up.
    #[serde(default)]
    pub overlay: bool,
}

fn heal_ms() -> u64 {
    300_000
}
