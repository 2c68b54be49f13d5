/** The first item, of a Set or a Map's keys the one added longest ago; `undefined` if there is none. */
export function first<T> (items: Iterable<T>): T | undefined {
  const result = items[Symbol.iterator]().next()

  return result.done === true ? undefined : result.value
}
