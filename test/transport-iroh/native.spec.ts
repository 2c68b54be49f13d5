import { expect } from 'chai'
import { fromNative, loadNative, nativeMessage } from '../../src/transport-iroh/native.ts'
import type { NativeBytes, NativeModule } from '../../src/transport-iroh/native.ts'

/** A binding that takes only this kind of bytes. */
function fakeBinding (isAccepted: (bytes: NativeBytes) => boolean): NativeModule {
  const unused = (): never => { throw new Error('not part of the test') }

  return {
    Endpoint: { builder: unused },
    EndpointAddr: class {
      directAddresses = unused
      relayUrl = unused
    },
    EndpointId: {
      fromBytes: (bytes) => {
        if (!isAccepted(bytes)) {
          throw new TypeError('Failed to get Array length')
        }

        return { toBytes: () => bytes }
      }
    },
    RelayMode: { disabled: unused, defaultMode: unused, staging: unused, customFromUrls: unused }
  }
}

describe('the native binding', () => {
  const chunks = [Uint8Array.of(1, 2, 3), Uint8Array.of(4), Uint8Array.of(5, 6)]

  it('of today is given arrays', async () => {
    const native = await loadNative(async () => fakeBinding(Array.isArray))

    expect(native.toNative(Uint8Array.of(1, 2))).to.deep.equal([1, 2])
    expect(native.gather(chunks, 0, 6)).to.deep.equal([1, 2, 3, 4, 5, 6])
    expect(native.gather(chunks, 1, 3)).to.deep.equal([2, 3, 4])
  })

  it('of tomorrow is given typed arrays', async () => {
    const native = await loadNative(async () => fakeBinding((bytes) => bytes instanceof Uint8Array))

    expect(native.toNative(Uint8Array.of(1, 2))).to.deep.equal(Uint8Array.of(1, 2))
    expect(native.gather(chunks, 0, 6)).to.deep.equal(Uint8Array.of(1, 2, 3, 4, 5, 6))
    expect(native.gather(chunks, 1, 3)).to.deep.equal(Uint8Array.of(2, 3, 4))
  })

  it('gives either', () => {
    expect(fromNative([1, 255])).to.deep.equal(Uint8Array.of(1, 255))
    expect(fromNative(Uint8Array.of(1, 255))).to.deep.equal(Uint8Array.of(1, 255))
  })

  it('that is missing is named, with the cause', async () => {
    const cause = new Error('no such file')
    const error = await loadNative(async () => { throw cause }).then(() => undefined, (err: Error) => err)

    expect(error).to.have.property('name', 'NativeBindingMissingError')
    expect(error).to.have.property('cause', cause)
  })

  it('speaks in one line', () => {
    const message = 'ConnectError::Connecting (/a/b/endpoint.rs:1060:20)\nCaused by:\n    ConnectingError (/a/poll.rs:1:2)\n    timed out\n\nStack backtrace:\n   0: main'

    expect(nativeMessage(new Error(message))).to.equal('ConnectError::Connecting Caused by: ConnectingError timed out')
    expect(nativeMessage('Stopped(0)')).to.equal('Stopped(0)')
  })
})
