const CHECK_MS = 500

/**
 * Started by npm, this process would live on when npm is killed with -9. Calls back once the parent is another.
 * Nothing is watched otherwise: a shell that ends is no reason to stop.
 */
export function watchParent(onGone: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    onGone()
  }, CHECK_MS)
  timer.unref()
}
