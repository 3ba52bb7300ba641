/** A bounded number of lanes: who finds none free waits for one, in the order of coming. */
export class Lanes {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(lanes: number) {
    this.#free = lanes
  }

  /** Takes a lane. @returns leaves it again */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return () => {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}

/**
 * Runs `work` on every item, at most `limit` at once. Pages are read one ahead of the work, so that memory does not
 * grow with their number.
 * @throws the first surprise that `work` or a page gave, after everything begun has ended
 */
export async function forEachBounded<T>(
  pages: AsyncIterable<readonly T[]>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const lanes = new Lanes(limit)
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  const failed = (error: unknown) => void failures.push(error)
  try {
    for await (const page of pages) {
      for (const item of page) {
        const leave = await lanes.enter()
        const run = work(item)
          .catch(failed)
          .finally(() => {
            running.delete(run)
            leave()
          })
        running.add(run)
      }
    }
  } catch (error) {
    failed(error)
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}

/** One page from a list already at hand. */
export async function* onePage<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  yield items
}
