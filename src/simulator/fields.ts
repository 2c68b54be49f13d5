/** The fields of a JSON object, before anything is known of them. */
export type Fields = Record<string, unknown>

/** What a number in a scenario may be. */
export interface Bounds {
  least: number
  most: number
  whole?: boolean
}

/** Whether a value is an object with fields, and no list. */
export function isFields (value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Refuses fields that nobody reads: most are misspelled.
 *
 * @param what - the object in words, for the message
 * @throws {RangeError} naming the first of them and all that there may be
 */
export function refuseUnknown (fields: Fields, known: readonly string[], what: string): void {
  for (const key of Object.keys(fields)) {
    if (!known.includes(key)) {
      throw new RangeError(`${what} has no ${key}; it has ${known.join(', ')}`)
    }
  }
}

/**
 * Reads a number.
 *
 * @param path - in front of the key in the message, e.g. `events[2].`
 * @returns `undefined` if there is none
 * @throws {RangeError} naming the field, its value and the bounds
 */
export function numberOf (fields: Fields, key: string, { least, most, whole = false }: Bounds, path = ''): number | undefined {
  const value = fields[key]

  if (value === undefined) {
    return undefined
  }

  if (typeof value !== 'number' || !(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    throw new RangeError(`${path}${key} is ${JSON.stringify(value)}, ${whole ? 'a whole number' : 'a number'} from ${least} to ${most} is needed`)
  }

  return value
}

/**
 * Reads one of several texts.
 *
 * @returns `undefined` if there is none
 * @throws {RangeError} naming the field, its value and the choices
 */
export function choiceOf<T extends string> (fields: Fields, key: string, choices: readonly T[], path = ''): T | undefined {
  const value = fields[key]

  if (value === undefined) {
    return undefined
  }

  const found = choices.find((choice) => choice === value)

  if (found === undefined) {
    throw new RangeError(`${path}${key} is ${JSON.stringify(value)}, one of ${choices.join(', ')} is needed`)
  }

  return found
}

/**
 * A value that has to be there.
 *
 * @throws {RangeError} if it is not
 */
export function needed<T> (value: T | undefined, name: string): T {
  if (value === undefined) {
    throw new RangeError(`${name} is missing`)
  }

  return value
}
