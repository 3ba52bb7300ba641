import { isDeepStrictEqual } from 'node:util'

type Key = Readonly<Record<string, unknown>>

/** How many deletes are kept in mind per stream; their records are read long before so many others. */
const MAX_KEYS = 10_000

/** Items that were deleted here because they had expired: the engine takes such a delete for anybody's. */
export class ExpiredItems {
  readonly #keys = new Map<string, Key[]>()

  add(engineStreamArn: string | undefined, key: Key): void {
    if (engineStreamArn === undefined) return
    const keys = [...(this.#keys.get(engineStreamArn) ?? []), key].slice(-MAX_KEYS)
    this.#keys.set(engineStreamArn, keys)
  }

  /** Takes one `add` back. */
  remove(engineStreamArn: string | undefined, key: Key): void {
    const keys = this.#keys.get(engineStreamArn ?? '') ?? []
    const index = keys.findIndex((each) => isDeepStrictEqual(each, key))
    if (index >= 0) keys.splice(index, 1)
  }

  /** Whether the delete of an item is one of these. Of an item that was there again it can say so too. */
  has(engineStreamArn: string, key: Key): boolean {
    return this.#keys.get(engineStreamArn)?.some((each) => isDeepStrictEqual(each, key)) ?? false
  }
}
