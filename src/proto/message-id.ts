import type { MessageId } from './messages.ts'

let lastId: MessageId | undefined
let lastKey = ''

/**
 * A message id as key of a map: its 32 bytes as 16 code units.
 *
 * Not for people: most of them are no printable text. Of the same object, asked
 * again, it is the same string: a simulated swarm shares one of each message.
 */
export function idKey (id: MessageId): string {
  if (id !== lastId) {
    lastKey = keyOf(id)
    lastId = id
  }

  return lastKey
}

function keyOf (id: MessageId): string {
  return String.fromCharCode(
    id[0] | id[1] << 8, id[2] | id[3] << 8, id[4] | id[5] << 8, id[6] | id[7] << 8,
    id[8] | id[9] << 8, id[10] | id[11] << 8, id[12] | id[13] << 8, id[14] | id[15] << 8,
    id[16] | id[17] << 8, id[18] | id[19] << 8, id[20] | id[21] << 8, id[22] | id[23] << 8,
    id[24] | id[25] << 8, id[26] | id[27] << 8, id[28] | id[29] << 8, id[30] | id[31] << 8
  )
}
