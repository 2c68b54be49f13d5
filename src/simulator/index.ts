/**
 * A deterministic simulator of gossip swarms: nodes that run exactly the
 * protocol core of this package, or the rules of Rust iroh-gossip 0.101, in
 * virtual time and without I/O. `docs/simulation.md` shows what it shows.
 *
 * @packageDocumentation
 */
export { Network } from './network.ts'
export { Simulation } from './simulation.ts'
export { runExperiment, seedsOf } from './experiment.ts'
export { measureOverlay, reachableFrom } from './overlay.ts'
export { createLatency, fiveRegions, maxLatency } from './latency.ts'
export { parseLatency } from './scenario-latency.ts'
export { Traffic } from './traffic.ts'
export { UpstreamState } from './upstream/state.ts'
export { TOPIC } from './machine.ts'
export type { Latency, LatencyConfig } from './latency.ts'
export type { ExperimentConfig, Progress, SeedResult } from './experiment.ts'
export type { KillResult } from './kill.ts'
export type { TimelineConfig, TimelineResult } from './timeline.ts'
export type { ScenarioAction, ScenarioEvent, Whom } from './scenario-events.ts'
export type { Machine, MachineEffect, MachineEvent, RuleSet } from './machine.ts'
export type { NetworkConfig, NetworkListener, SimulatedNode } from './network.ts'
export type { OverlayReport } from './overlay.ts'
export type { Broadcast, Received, RoundResult, Senders, SimulationConfig } from './simulation.ts'
export type { TrafficOfType } from './traffic.ts'
export type { UpstreamStateInit } from './upstream/state.ts'
export { brokenInvariants } from './invariants.ts'
export { runFaultSchedule } from './faults.ts'
export type { FaultScheduleConfig, FaultScheduleResult } from './faults.ts'
export { plotSvg } from './plot.ts'
export type { PlotConfig, Series } from './plot.ts'
export { parseScenario } from './scenario.ts'
export type { Scenario } from './scenario.ts'
export { compareResults, differingSettings } from './compare.ts'
export type { Comparison } from './compare.ts'
