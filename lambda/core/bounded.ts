/**
 * Runs `work` on every item, at most `lanes` at once. Pages are read one ahead of the work, so that memory does not
 * grow with their number.
 * @throws the first surprise that `work` or a page gave, after everything begun has ended
 */
export async function forEachBounded<T>(
  pages: AsyncIterable<readonly T[]>,
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  for await (const page of pages) {
    for (const item of page) {
      if (running.size >= lanes) await Promise.race(running)
      const lane = work(item)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => running.delete(lane))
      running.add(lane)
    }
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}

/** One page from a list already at hand. */
export async function* onePage<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  yield items
}
