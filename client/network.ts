/**
 * A browser knows when its network comes and goes; where nothing is told, as in Node.js, nothing is heard.
 * @returns a function that ends it
 */
export function watchNetwork(listeners: { readonly online: () => void; readonly offline: () => void }) {
  const target = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>
  const all = Object.entries(listeners)
  for (const [type, listener] of all) target.addEventListener?.(type, listener)
  return () => {
    for (const [type, listener] of all) target.removeEventListener?.(type, listener)
  }
}
