import type { TopicValidatorFn } from './types.ts'

/**
 * The application's validators, by topic name (or by id in hex). A map like any
 * other, that tells the service when a topic gets or loses its validator: so no
 * message has to ask.
 */
export class TopicValidators extends Map<string, TopicValidatorFn> {
  readonly #onChange: (topic: string) => void

  constructor (onChange: (topic: string) => void) {
    super()
    this.#onChange = onChange
  }

  set (topic: string, validator: TopicValidatorFn): this {
    super.set(topic, validator)
    this.#onChange(topic)

    return this
  }

  delete (topic: string): boolean {
    const existed = super.delete(topic)
    this.#onChange(topic)

    return existed
  }

  clear (): void {
    const topics = [...this.keys()]
    super.clear()
    topics.forEach((topic) => { this.#onChange(topic) })
  }
}
