import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Position } from './stream.ts'

/** Where each mapping stands in each shard of its stream, from one start of the stack to the next. */
export interface Checkpoints {
  /** @param key names the mapping, the stream and the shard */
  get(key: string): Position | undefined
  set(key: string, position: Position): void
  /** Has everything kept by now. */
  flush(): void
}

/** For tables that end with the stack. */
export const noCheckpoints: Checkpoints = {
  get: () => undefined,
  set: () => undefined,
  flush: () => undefined,
}

/**
 * Keeps them in a file, written at most once per turn of the event loop and replaced as a whole. A killed stack
 * hands over again what it had handled since, as Lambda does after a failure of its own.
 */
export class CheckpointFile implements Checkpoints {
  readonly #file: string
  readonly #positions: Map<string, Position>
  #pending: NodeJS.Immediate | undefined

  /** @throws when the file is there and is not what was written */
  constructor(file: string) {
    this.#file = file
    this.#positions = new Map(Object.entries(read(file)))
  }

  get(key: string): Position | undefined {
    return this.#positions.get(key)
  }

  set(key: string, position: Position): void {
    this.#positions.set(key, position)
    this.#pending ??= setImmediate(() => this.flush())
  }

  flush(): void {
    if (this.#pending === undefined) return
    clearImmediate(this.#pending)
    this.#pending = undefined
    writeFileSync(`${this.#file}.new`, JSON.stringify(Object.fromEntries(this.#positions)))
    renameSync(`${this.#file}.new`, this.#file)
  }
}

function read(file: string): Record<string, Position> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
  try {
    return JSON.parse(text) as Record<string, Position>
  } catch (cause) {
    throw new Error(`"${file}" can not be read as JSON; delete its folder to start with empty tables`, {
      cause,
    })
  }
}
