/** What a server under test tells its driver. */
export interface Subject {
  readonly url: string
  readonly callbackUrl: string
}

/** Bytes, after a garbage collection. */
export interface Memory {
  readonly rss: number
  /** Heap and what hangs on it outside. */
  readonly live: number
}

/** In the server's process: says where it is, and how much memory it has when asked, until the driver goes away. */
export function serve(subject: Subject): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', () => void memory().then((answer) => process.send?.(answer)))
  process.send?.(subject)
}

/** What closed connections held is let go over several turns of the event loop. */
const SETTLING_TURNS = 20

async function memory(): Promise<Memory> {
  if (!globalThis.gc) throw new Error('the server under test needs --expose-gc')
  for (let turn = 0; turn < SETTLING_TURNS; turn++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, live: heapUsed + external }
}
