//! Runs the simulator of the crate `iroh-gossip` as it is.
//!
//! Reads one JSON document on stdin (see [`plan`]) and prints a line of JSON
//! for each scenario and seed. Means are true means over the rounds; the
//! crate's own tool prints the least over the seeds as the mean.

mod failure;
mod overlay;
mod plan;
mod rounds;

use std::{fs, io, time::Instant};

use iroh_gossip::proto::sim::{BootstrapMode, LatencyConfig, NetworkConfig, Simulator, SimulatorConfig};
use plan::{Plan, Scenario};
use serde_json::{json, Value};
use std::time::Duration;

/// Time that this thread has spent on a processor; none where the system does not say.
fn cpu_ms() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/schedstat").ok()?;
    let ns: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(ns / 1e6)
}

fn latency(scenario: &Scenario) -> LatencyConfig {
    let [min, max] = scenario.latency_ms;
    if min == max {
        LatencyConfig::Static(Duration::from_millis(min))
    } else {
        LatencyConfig::random_ms(min, max)
    }
}

/// One scenario with one seed, from the empty network on.
fn run(scenario: &Scenario, seed: u64) -> Value {
    let wall = Instant::now();
    let cpu = cpu_ms();
    let latency = latency(scenario);
    // the crate's bootstrap lasts 20 times the longest latency
    let bootstrap = latency.max() * 20;
    let network = NetworkConfig {
        latency,
        proto: Default::default(),
    };
    let config = SimulatorConfig {
        rng_seed: seed,
        peers: scenario.nodes,
        ..Default::default()
    };
    let mut simulator = Simulator::new(config, network);
    simulator.bootstrap(BootstrapMode::Single);
    let warmup = Duration::from_millis(scenario.warmup_ms);
    if warmup > bootstrap {
        simulator.network.run_duration(warmup - bootstrap);
        // what nodes said meanwhile concerns no round
        let _ = simulator.network.events().count();
    }
    let overlay = scenario.overlay.then(|| overlay::views(&simulator));
    let mut result = match scenario.kill {
        None => rounds::run(&mut simulator, scenario),
        Some(share) => failure::run(&mut simulator, scenario, share),
    };
    if let Some(views) = overlay {
        result["views"] = json!(views);
    }
    result["scenario"] = json!(scenario);
    result["seed"] = json!(seed);
    result["cpuMs"] = json!(cpu_ms().zip(cpu).map(|(end, start)| end - start));
    result["wallMs"] = json!(wall.elapsed().as_secs_f64() * 1e3);
    result
}

fn main() -> io::Result<()> {
    let plan: Plan = serde_json::from_reader(io::stdin())?;
    for scenario in &plan.scenarios {
        for &seed in &plan.seeds {
            println!("{}", run(scenario, seed));
        }
    }
    Ok(())
}
