import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, sep } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'

export interface SourcesOptions {
  /** A folder with everything below it, or one file. */
  readonly path: string
  /** Folders that are written to, not edited. */
  readonly except?: readonly string[]
  /** Files whose content changed, were made or removed, all those that come together at once. */
  readonly onChange: (files: readonly string[]) => void
  /** How long nothing more may come before the change is told, in milliseconds. @default 20 */
  readonly quietMs?: number
}

/** Never of sources, wherever they are: what is installed, and what tools keep for themselves in hidden folders. */
const IGNORED_FOLDERS = /[\\/](?:node_modules|coverage|\.[^\\/]+)[\\/]/
/** What editors and programs leave beside sources. */
const IGNORED_FILES = /(?:~|\.log|\.sw[a-z]|\.tmp|\.DS_Store)$|^(?:4913|\.#.*|#.*#)$/
const DEFAULT_QUIET_MS = 20

/**
 * Watches the sources of a project. A file that is written with the content that it had is no change, so that what a
 * synthesis itself leaves in the project starts no other.
 */
export class Sources {
  readonly #options: SourcesOptions
  readonly #watcher: FSWatcher
  readonly #hashes = new Map<string, string>()
  readonly #changed = new Set<string>()
  #quiet: NodeJS.Timeout | undefined

  constructor(options: SourcesOptions) {
    const { path, except = [] } = options
    this.#options = options
    const isExcepted = (file: string) => except.some((each) => file === each || file.startsWith(each + sep))
    this.#watcher = watch(path, {
      ignoreInitial: true,
      ignored: (file, stats) =>
        // The project itself may be in a folder of such a name.
        IGNORED_FOLDERS.test(file.slice(path.length) + (stats?.isDirectory() === true ? sep : '')) ||
        isExcepted(file) ||
        IGNORED_FILES.test(basename(file)),
    })
    for (const event of ['add', 'change', 'unlink'] as const)
      this.#watcher.on(event, (file) => this.#look(file))
  }

  /** Resolves once every change is seen. */
  async ready(): Promise<void> {
    await new Promise<void>((resolve) => this.#watcher.once('ready', resolve))
  }

  async close(): Promise<void> {
    clearTimeout(this.#quiet)
    await this.#watcher.close()
  }

  #look(file: string): void {
    const hash = hashOf(file)
    if (this.#hashes.get(file) === hash) return
    this.#hashes.set(file, hash)
    this.#changed.add(file)
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => {
      const files = [...this.#changed]
      this.#changed.clear()
      this.#options.onChange(files)
    }, this.#options.quietMs ?? DEFAULT_QUIET_MS)
  }
}

function hashOf(file: string): string {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('base64')
  } catch {
    return 'gone' // removed, or replaced this very moment: the event of its return follows
  }
}
