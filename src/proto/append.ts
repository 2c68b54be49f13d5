/** Up to so many items an array is copied for one more: `push` makes room for 17 at least, 136 bytes in each of a node's topics. */
const MAX_COPIED = 16

/** The array with one item more: itself, or a copy without room to spare if it is small. */
export function append<T> (items: T[], item: T): T[] {
  if (items.length < MAX_COPIED) {
    // `[...items, item]` makes room for 17 more
    return items.concat([item])
  }

  items.push(item)

  return items
}
