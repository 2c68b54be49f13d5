import { MAX_REST } from './limits.ts'

/**
 * Which turns of a regular task are worth taking: all while something is new,
 * else every second, every fourth and so on.
 */
export class Rests {
  private news = -1
  private rest = 1
  private left = 1

  /**
   * To be called at each turn.
   *
   * @param news - another number than at the last turn if something is new
   * @returns whether the turn is to be taken
   */
  isDue (news: number): boolean {
    if (news !== this.news) {
      this.news = news
      this.rest = 1
      this.left = 1
    }

    this.left--

    if (this.left > 0) {
      return false
    }

    this.rest = Math.min(2 * this.rest, MAX_REST)
    this.left = this.rest

    return true
  }
}
