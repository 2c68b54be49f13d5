import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { irohGossip } from '../src/index.ts'
import type { IrohGossipInit } from '../src/index.ts'

/** Every number, with the least and the largest value that the documentation allows. */
const numbers = {
  maxMessageSize: [512, 16_777_216],
  eventQueueCapacity: [1, 1_000_000],
  maxSendQueueBytes: [65_536, 1_073_741_824],
  stallTimeoutMs: [100, 600_000],
  fanoutTTL: [0, 3_600_000],
  'membership.activeViewCapacity': [1, 64],
  'membership.passiveViewCapacity': [0, 1_024],
  'membership.activeRandomWalkLength': [1, 64],
  'membership.passiveRandomWalkLength': [0, 64],
  'membership.shuffleRandomWalkLength': [0, 64],
  'membership.shuffleActiveViewCount': [0, 64],
  'membership.shufflePassiveViewCount': [0, 64],
  'membership.shuffleIntervalMs': [100, 3_600_000],
  'membership.neighborRequestTimeoutMs': [10, 3_600_000],
  'broadcast.graftTimeout1Ms': [0, 3_600_000],
  'broadcast.graftTimeout2Ms': [0, 3_600_000],
  'broadcast.dispatchTimeoutMs': [0, 3_600_000],
  'broadcast.maxDispatchTimeoutMs': [0, 3_600_000],
  'broadcast.optimizationThreshold': [1, 65_535],
  'broadcast.messageCacheRetentionMs': [100, 86_400_000],
  'broadcast.messageIdRetentionMs': [100, 86_400_000],
  'broadcast.cacheEvictIntervalMs': [10, 3_600_000]
} as const

/** Options with one value, at `name` or `group.name`. */
function only (name: string, value: unknown): IrohGossipInit {
  const [first, second] = name.split('.')

  return { [first]: second == null ? value : { [second]: value } }
}

/** What making a node with these options throws. */
async function failure (init: object): Promise<unknown> {
  try {
    await createLibp2p({ start: false, services: { pubsub: irohGossip(init) } })
  } catch (err) {
    return err
  }

  return undefined
}

describe('options', () => {
  for (const [name, [min, max]] of Object.entries(numbers)) {
    it(`take ${name} from ${min} to ${max}, and name value and bounds of any other`, async () => {
      expect(await failure(only(name, min))).to.equal(undefined)
      expect(await failure(only(name, max))).to.equal(undefined)

      for (const value of [min - 1, max + 1, min + 0.5, NaN, Infinity, null, `${min}`]) {
        expect(await failure(only(name, value)), String(value)).to.include({
          name: 'InvalidParametersError',
          message: `${name} must be an integer from ${min} to ${max}, got ${value}`
        })
      }
    })
  }

  for (const [init, words] of [
    [{ maxMessageSize: 1_000_000, maxSendQueueBytes: 1_048_576 }, 'maxSendQueueBytes must be at least four times maxMessageSize (4000000), got 1048576'],
    [{ emitSelf: 'yes' }, 'emitSelf must be true or false, got string'],
    [{ runOnLimitedConnection: 1 }, 'runOnLimitedConnection must be true or false, got number'],
    [{ allowPublishToZeroTopicPeers: null }, 'allowPublishToZeroTopicPeers must be true or false, got object'],
    [{ discovery: { contentRouting: 'dht' } }, 'discovery.contentRouting must be true or false, got string'],
    [{ discovery: { contentRoutng: true } }, 'There is no option discovery.contentRoutng'],
    [{ membership: { activeView: 5 } }, 'There is no option membership.activeView'],
    [{ msgIdFn: () => {} }, 'There is no option msgIdFn'],
    [{ protocol: 'gossip' }, 'protocol must start with a slash, got "gossip"'],
    [{ allowPeer: true }, 'allowPeer must be a function, got boolean'],
    [{ globalSignaturePolicy: 'LaxSign' }, 'globalSignaturePolicy must be \'StrictSign\' or \'StrictNoSign\', got "LaxSign"']
  ] as const) {
    it(`refuse what is meant otherwise: ${words}`, async () => {
      expect(await failure(init)).to.include({ name: 'InvalidParametersError', message: words })
    })
  }

  it('may be left undefined', async () => {
    expect(await failure({ maxMessageSize: undefined, membership: { activeViewCapacity: undefined }, discovery: undefined, emitSelf: undefined })).to.equal(undefined)
  })
})
