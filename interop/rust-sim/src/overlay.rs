//! The graph of active views.

use std::collections::{HashMap, HashSet};

use iroh_gossip::proto::{sim::Simulator, TopicId};

/// The one topic of the crate's simulator.
pub const TOPIC: TopicId = TopicId::from_bytes([0; 32]);

/// Each node with its active view, in the order of nodes.
pub fn views(simulator: &Simulator) -> Vec<(u64, Vec<u64>)> {
    let network = &simulator.network;
    network
        .peer_ids()
        .map(|id| (id, network.neighbors(&id, &TOPIC).unwrap_or_default()))
        .collect()
}

/// Sizes of the connected components, the largest first; links count in both directions.
pub fn components(simulator: &Simulator) -> Vec<usize> {
    let mut links: HashMap<u64, Vec<u64>> = simulator.network.peer_ids().map(|id| (id, vec![])).collect();
    for (node, view) in views(simulator) {
        for other in view {
            // entries that name the dead are no links
            if links.contains_key(&other) {
                links.entry(node).or_default().push(other);
                links.entry(other).or_default().push(node);
            }
        }
    }
    let mut found = HashSet::new();
    let mut sizes = vec![];
    for &start in links.keys() {
        if !found.insert(start) {
            continue;
        }
        let mut open = vec![start];
        let mut size = 0;
        while let Some(node) = open.pop() {
            size += 1;
            open.extend(links[&node].iter().filter(|&&next| found.insert(next)));
        }
        sizes.push(size);
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}
