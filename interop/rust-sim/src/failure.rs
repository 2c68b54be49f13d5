//! Many nodes die at once; how broadcasts fare after that.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use iroh_gossip::proto::{sim::Simulator, Command, Event, Scope};
use serde_json::{json, Value};

use crate::{
    overlay::{components, TOPIC},
    plan::Scenario,
};

/// A broadcast is given this time, as in the crate's rounds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Deliveries of each content so far.
type Deliveries = HashMap<Bytes, usize>;

fn count(simulator: &mut Simulator, deliveries: &mut Deliveries) {
    for (_, _, event) in simulator.network.events() {
        if let Event::Received(message) = event {
            *deliveries.entry(message.content).or_default() += 1;
        }
    }
}

/// A random survivor broadcasts, and time passes until all have it or it is up.
fn broadcast(simulator: &mut Simulator, content: &Bytes, deliveries: &mut Deliveries) {
    let wanted = simulator.peer_count() - 1;
    let from = simulator.random_peer();
    simulator
        .network
        .command(from, TOPIC, Command::Broadcast(content.clone(), Scope::Swarm));
    simulator.network.run_while_with_timeout(TIMEOUT, |_, _, event| {
        if let Event::Received(message) = event {
            *deliveries.entry(message.content).or_default() += 1;
        }
        deliveries.get(content).copied().unwrap_or_default() < wanted
    });
}

/// Kills a share of the nodes and gives the fractions of the survivors that got
/// a message at once, one five seconds later, and one after the time to heal.
pub fn run(simulator: &mut Simulator, scenario: &Scenario, share: f64) -> Value {
    let start = simulator.network.elapsed();
    simulator.remove_peers((scenario.nodes as f64 * share).round() as usize);
    let wanted = (simulator.peer_count() - 1) as f64;
    let [first, second, third] = [&b"first"[..], b"second", b"third"].map(Bytes::from_static);
    let mut deliveries = Deliveries::new();
    let fraction = |deliveries: &Deliveries, content: &Bytes| {
        deliveries.get(content).copied().unwrap_or_default() as f64 / wanted
    };

    broadcast(simulator, &first, &mut deliveries);
    let first_in_time = fraction(&deliveries, &first);
    broadcast(simulator, &second, &mut deliveries);
    let second_in_time = fraction(&deliveries, &second);

    let mut healed = None;
    let end = start + Duration::from_millis(scenario.heal_ms);
    while simulator.network.elapsed() < end {
        let step = Duration::from_secs(1).min(end - simulator.network.elapsed());
        simulator.network.run_duration(step);
        count(simulator, &mut deliveries);
        if healed.is_none() && components(simulator).len() == 1 {
            healed = Some(simulator.network.elapsed() - start);
        }
    }
    broadcast(simulator, &third, &mut deliveries);
    let components = components(simulator);

    json!({
        "firstMessage": fraction(&deliveries, &first),
        "secondMessage": fraction(&deliveries, &second),
        "afterHeal": fraction(&deliveries, &third),
        "firstInTime": first_in_time,
        "secondInTime": second_in_time,
        "alone": components.iter().filter(|&&size| size == 1).count(),
        "separated": simulator.peer_count() - components[0],
        "healedMs": healed.map(|time| time.as_secs_f64() * 1e3),
    })
}
