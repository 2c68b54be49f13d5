import { MAX_REST, MAX_REST_AMONG_NEIGHBORS } from './limits.ts'

/** How many times as rare each turn is as the one before, where everybody is a neighbor. */
const AMONG_NEIGHBORS = 4

/**
 * Which turns of a regular task are worth taking: all while something is new,
 * else every second, every fourth and so on; where everybody is a neighbor, so
 * that there is hardly anything to learn, every fourth from the start, then
 * every sixteenth and so on.
 */
export class Rests {
  private news = -1
  private rest = 1
  private left = 1

  /**
   * To be called at each turn.
   *
   * @param news - another number than at the last turn if something is new
   * @param knowsOnlyNeighbors - whether nobody else was heard of
   * @returns whether the turn is to be taken
   */
  isDue (news: number, knowsOnlyNeighbors: boolean): boolean {
    if (news !== this.news) {
      this.news = news
      this.rest = knowsOnlyNeighbors ? AMONG_NEIGHBORS : 1
      this.left = this.rest
    }

    this.left--

    if (this.left > 0) {
      return false
    }

    this.rest = knowsOnlyNeighbors ? Math.min(AMONG_NEIGHBORS * this.rest, MAX_REST_AMONG_NEIGHBORS) : Math.min(2 * this.rest, MAX_REST)
    this.left = this.rest

    return true
  }
}
