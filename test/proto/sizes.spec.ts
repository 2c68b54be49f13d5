import { expect } from 'chai'
import * as fc from 'fast-check'
import { maxContentBytes } from '../../src/proto/index.ts'
import { encodeMessage } from '../../src/wire/index.ts'

/** What the codec makes of a message that has come a long way: its payload's length. */
function encodedBytes (contentBytes: number): number {
  return encodeMessage({ type: 'gossip', id: new Uint8Array(32), content: new Uint8Array(contentBytes), scope: { type: 'swarm', round: 65_534 } }).byteLength
}

function isLargest (maxMessageSize: number): void {
  const content = maxContentBytes(maxMessageSize)
  // a sender refuses payloads as large as the limit
  expect(encodedBytes(content), `largest at ${maxMessageSize}`).to.be.lessThan(maxMessageSize)
  expect(encodedBytes(content + 1), `one more at ${maxMessageSize}`).to.be.at.least(maxMessageSize)
}

describe('the largest content', () => {
  it('fits the frame by the codec\'s own measure, and one byte more does not', () => {
    fc.assert(fc.property(fc.integer({ min: 512, max: 300_000 }), isLargest))
  })

  it('also where the length of the content takes a byte more', () => {
    for (let maxMessageSize = 16_350; maxMessageSize < 16_500; maxMessageSize++) {
      isLargest(maxMessageSize)
    }

    for (const edge of [2_097_151, 2_097_152, 2_097_152 + 41, 2_097_152 + 44]) {
      isLargest(edge)
    }
  })
})
