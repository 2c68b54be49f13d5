import { NativeBindingMissingError } from '../errors.ts'

/**
 * Bytes as the binding takes and gives them: `number[]` in `@number0/iroh`
 * 1.1, a `Uint8Array` in releases to come.
 */
export type NativeBytes = Uint8Array | number[]

/**
 * The part of `@number0/iroh` that the transport uses. Structural, so that
 * neither our types nor our code need the package to be present.
 *
 * Its watchers are left out: in 1.1.0 they are spawned outside of a runtime and
 * abort the process (measured).
 */
export interface NativeModule {
  Endpoint: { builder (): NativeEndpointBuilder }
  EndpointAddr: new (id: NativeEndpointId, relayUrl?: string | null, addresses?: string[] | null) => NativeEndpointAddr
  EndpointId: { fromBytes (bytes: NativeBytes): NativeEndpointId }
  RelayMode: {
    disabled (): NativeRelayMode
    defaultMode (): NativeRelayMode
    staging (): NativeRelayMode
    customFromUrls (urls: string[]): NativeRelayMode
  }
}

export interface NativeEndpointBuilder {
  /** Relays of number 0 and its address lookup: publishes our address under our id in their DNS. */
  applyN0 (): void
  /** Nothing that speaks to the network by itself. */
  applyMinimal (): void
  secretKey (bytes: NativeBytes): void
  alpns (alpns: NativeBytes[]): void
  relayMode (mode: NativeRelayMode): void
  /** At most once for each address family. */
  bindAddr (address: string): void
  bind (): Promise<NativeEndpoint>
}

/** An iroh endpoint: an `Endpoint` of `@number0/iroh`. */
export interface NativeEndpoint {
  id (): NativeEndpointId
  addr (): NativeEndpointAddr
  setAlpns (alpns: NativeBytes[]): void
  boundSockets (): string[]
  connect (addr: NativeEndpointAddr, alpn: NativeBytes): Promise<NativeConnection>
  /** `null` when the endpoint is closed. */
  acceptNext (): Promise<NativeIncoming | null>
  close (): Promise<void>
  isClosed (): boolean
}

/** An endpoint's public key. */
export interface NativeEndpointId {
  toBytes (): NativeBytes
}

/** An endpoint's key and where it can be reached. */
export interface NativeEndpointAddr {
  directAddresses (): string[]
  relayUrl (): string | null
}

/** Only ever created and handed back. */
export type NativeRelayMode = object

/** A connection that waits to be accepted. */
export interface NativeIncoming {
  accept (): Promise<{ connect (): Promise<NativeConnection> }>
  refuse (): Promise<void>
  remoteAddr (): Promise<{ kind: string, addr?: string }>
}

/** A QUIC connection: a `Connection` of `@number0/iroh`. */
export interface NativeConnection {
  alpn (): NativeBytes
  remoteId (): NativeEndpointId
  openUni (): Promise<NativeSendStream>
  acceptUni (): Promise<NativeRecvStream>
  /** Resolves with the reason when the connection is gone, for whatever reason. */
  closed (): Promise<string>
  close (errorCode: bigint, reason: NativeBytes): void
  setMaxConcurrentUniStreams (count: bigint): void
  /** Where the remote is reached; none once the connection is gone. */
  paths (): Array<{ isSelected: boolean, remoteAddr: string, isIp: boolean, isRelay: boolean }>
}

/** A QUIC stream that we write. */
export interface NativeSendStream {
  writeAll (bytes: NativeBytes): Promise<void>
  finish (): Promise<void>
  /** Resolves when the remote has received everything (`null`) or stopped reading (its error code). */
  stopped (): Promise<number | null>
}

/** Is STOPPED when it is garbage-collected before its end. */
export interface NativeRecvStream {
  /** Up to so many bytes, none at the end. */
  read (sizeLimit: number): Promise<NativeBytes>
}

/**
 * Bytes of one native read or write. Larger ones are not faster, for the
 * binding copies byte by byte at 45 ns each, and block the event loop.
 */
export const CHUNK_BYTES = 32 * 1024

/** Loads the binding, or throws what the module loader threw. */
export interface NativeLoader {
  (): Promise<NativeModule>
}

/**
 * The loaded binding, with the differences between its releases evened out.
 */
export interface Native extends NativeModule {
  /** The bytes in the form that this binding takes. */
  toNative (bytes: Uint8Array): NativeBytes
  /**
   * `length` bytes of the chunks, of which there must be as many, in the form
   * that this binding takes. To be handed over before the next call.
   */
  gather (chunks: Uint8Array[], offset: number, length: number): NativeBytes
}

/**
 * Loads `@number0/iroh`, once it is needed: importing this package never does.
 *
 * @throws {NativeBindingMissingError} if the package is not installed or has no
 * binary for this platform; `cause` holds the loader's error
 */
export async function loadNative (load: NativeLoader = importBinding): Promise<Native> {
  let binding: NativeModule

  try {
    binding = await load()
  } catch (err) {
    throw new NativeBindingMissingError(err)
  }

  const takesUint8Array = acceptsUint8Array(binding)

  return {
    Endpoint: binding.Endpoint,
    EndpointAddr: binding.EndpointAddr,
    EndpointId: binding.EndpointId,
    RelayMode: binding.RelayMode,
    toNative: (bytes) => takesUint8Array ? bytes : toArray([bytes], 0, bytes.byteLength),
    gather: takesUint8Array ? toUint8Array : toArray
  }
}

/**
 * Bytes that came from the binding.
 */
export function fromNative (bytes: NativeBytes): Uint8Array {
  if (bytes instanceof Uint8Array) {
    return bytes
  }

  const { length } = bytes
  const copy = new Uint8Array(length)

  // ten times faster than the constructor, `set` and `from` with an array from there
  for (let i = 0; i < length; i++) {
    copy[i] = bytes[i]
  }

  return copy
}

/**
 * What the native side says went wrong, in one line and without its stack trace.
 */
export function nativeMessage (err: unknown): string {
  const text = err instanceof Error ? err.message : String(err)

  return text
    .split(/\n\s*Stack backtrace:/)[0]
    .replace(/\s+\(\/[^)]*\)/g, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim()
}

async function importBinding (): Promise<NativeModule> {
  // the file and not the package, whose `main` names one that is not there: Node would warn
  const { default: binding } = await import('@number0/iroh/index.js')

  // its types know the bytes of one release only, and its own objects as arguments
  return binding as unknown as NativeModule
}

function acceptsUint8Array (binding: NativeModule): boolean {
  // the encoding of the curve's neutral element: a valid key
  const bytes = new Uint8Array(32)
  bytes[0] = 1

  try {
    binding.EndpointId.fromBytes(bytes)
    return true
  } catch {
    return false
  }
}

function toUint8Array (chunks: Uint8Array[], offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0

  for (const chunk of chunks) {
    const part = chunk.subarray(offset, offset + length - at)
    bytes.set(part, at)
    at += part.byteLength
    offset = 0

    if (at === length) {
      break
    }
  }

  return bytes
}

/** The binding copies an array in the call that it is handed to, so one serves all full writes. */
const scratch = new Array<number>(CHUNK_BYTES).fill(0)

/** `Array.from()` of 8 KiB takes 260 µs, this loop 6. */
function toArray (chunks: Uint8Array[], offset: number, length: number): number[] {
  const array = length === CHUNK_BYTES ? scratch : new Array<number>(length)
  let at = 0

  for (const chunk of chunks) {
    const end = Math.min(chunk.byteLength, offset + length - at)

    for (let i = offset; i < end; i++) {
      array[at++] = chunk[i]
    }

    offset = 0

    if (at === length) {
      break
    }
  }

  return array
}
