const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** What the nodes tell each other. No two are the same, so none is taken for a repetition. */
export interface Message {
  /** Name of the node that wrote it. */
  from: string
  /** Counts the messages of that node. */
  number: number
  /** When it was handed over, in milliseconds of this process. */
  sentAt: number
}

/** How a message is called: `c7` is the seventh of node c. */
export function messageName (message: Message): string {
  return `${message.from}${message.number}`
}

/** The bytes that are broadcast. */
export function encode (message: Message): Uint8Array {
  return encoder.encode(JSON.stringify(message))
}

/**
 * The message in a content that was delivered.
 *
 * @throws {SyntaxError} the bytes were changed on their way
 */
export function decode (content: Uint8Array): Message {
  return JSON.parse(decoder.decode(content))
}
