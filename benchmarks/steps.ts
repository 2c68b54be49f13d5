/** A program of the benchmarks, as a short run of all has it. */
export interface Step {
  /** Its folder. */
  name: string
  title: string
  method: string
  /** Of a short run, and of a full one. */
  short: string[]
  full: string[]
  /** How long it takes on two cores that do nothing else. */
  seconds: number
  /** Whether it takes `--limit`. */
  isLimited?: boolean
  needsRust?: boolean
}

/** In the order in which they run. */
export const steps: Step[] = [
  {
    name: 'vs-gossipsub',
    title: 'Beside gossipsub and floodsub',
    method: 'The same nodes, connections and loads for everyone, each service in processes and a network namespace of its own, in turns. CPU is that of its processes, bytes are those of its loopback interface, from the first message to half a second after the last delivery. Every delivery is checked.',
    short: ['--short'],
    full: [],
    seconds: 150,
    isLimited: true
  },
  {
    name: 'vs-rust',
    title: 'Swarms of processes beside the Rust crate',
    method: 'A process for each member; all of this package, all of the Rust crate, half and half on native iroh, and all of this package on TCP, under the same load in turns. CPU is that of all processes of a swarm.',
    short: ['--members=8', '--messages=150', '--rounds=1'],
    full: [],
    seconds: 20,
    needsRust: true
  },
  {
    name: 'one-hop',
    title: 'Beside a bare stream',
    method: 'Two nodes on TCP in one process, 256 B, at most 512 messages under way; one in each turn of the event loop, or 64. The bare stream gets one send for each message.',
    short: ['--short'],
    full: [],
    seconds: 6
  },
  {
    name: 'codec',
    title: 'The wire format',
    method: 'Frames a second of gossip messages, in one thread.',
    short: ['--short'],
    full: [],
    seconds: 6
  },
  {
    name: 'handle',
    title: 'State machine and codec beside the Rust crate',
    method: 'Both play the same recorded inputs of a node with five neighbors, timers included, in turns.',
    short: ['--messages=5000', '--rounds=3'],
    full: [],
    seconds: 12
  },
  {
    name: 'idle-topics',
    title: 'Idle topics',
    method: 'A node alone in its process, 50 peers in two others; each topic is joined by five of them, a hundred topics at a time. The full run has 10,000 topics, and waits until streams that nobody uses are let go of.',
    short: ['--topics=200', '--idle=3', '--settle=6', '--rest=0', '--messages=400'],
    full: ['--topics=10000', '--idle=60'],
    seconds: 18
  },
  {
    name: 'scale',
    title: 'Peers, rate, size, topics',
    method: 'The cost of a delivery along four axes.',
    short: ['--short'],
    full: [],
    seconds: 30,
    isLimited: true
  },
  {
    name: 'soak',
    title: 'Soak',
    method: 'Eight nodes in one process, 500 messages a second; ids are kept for four seconds instead of two minutes, so that a short run sees them expire. The full run takes ten minutes as it comes.',
    short: ['--minutes=0.25', '--forgetful', '--settle=3000'],
    full: [],
    seconds: 20
  }
]
