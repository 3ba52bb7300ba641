/**
 * Adds to a set that forgets its oldest items when it holds more than `most`.
 * @returns whether the item was not in it
 */
export function remember<T>(set: Set<T>, item: T, most: number): boolean {
  const isNew = !set.has(item)
  set.add(item)
  for (const oldest of set) {
    if (set.size <= most) break
    set.delete(oldest)
  }
  return isNew
}
