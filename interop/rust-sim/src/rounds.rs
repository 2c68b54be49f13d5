//! Rounds of broadcasts, as the crate counts them.

use bytes::Bytes;
use iroh_gossip::proto::sim::{RoundStats, Simulator};
use serde_json::{json, Value};

use crate::plan::{Scenario, Senders};

/// Runs the rounds and gives their means.
pub fn run(simulator: &mut Simulator, scenario: &Scenario) -> Value {
    let single = simulator.random_peer();
    let mut first: Option<RoundStats> = None;
    let mut second: Option<RoundStats> = None;
    for round in 0..scenario.rounds {
        let senders = match scenario.senders {
            Senders::One => vec![single],
            Senders::New => vec![simulator.random_peer()],
            Senders::All => simulator.network.peer_ids().collect(),
        };
        let messages = senders
            .into_iter()
            .map(|sender| (sender, Bytes::from(format!("{round}.{sender}"))))
            .collect();
        simulator.gossip_round(messages);
        match round {
            0 => first = Some(simulator.round_stats_average().mean),
            1 => second = Some(simulator.round_stats_average().mean),
            _ => {}
        }
    }
    let mean = simulator.round_stats_average().mean;
    let rounds = scenario.rounds as f32;
    // the mean of all without the first two, whose mean is known
    let third = second
        .filter(|_| scenario.rounds > 2)
        .map(|two| (mean.rmr * rounds - two.rmr * 2.) / (rounds - 2.));
    json!({
        "rmrRust": mean.rmr,
        "ldh": mean.ldh,
        "lastDeliveryMs": mean.duration.as_secs_f64() * 1e3,
        "missed": mean.missed,
        "rmrFirst": first.map(|stats| stats.rmr),
        "rmrThird": third,
    })
}
