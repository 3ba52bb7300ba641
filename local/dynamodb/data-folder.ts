import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import { lockFolder } from '../lock-file.ts'
import { CheckpointFile } from './checkpoints.ts'

/** Where tables outlive the stack: the engine's file, and the places of those who read streams. */
export class DataFolder {
  /** The engine's database. */
  readonly file: string
  readonly checkpoints: CheckpointFile
  readonly #folder: string
  readonly #unlock: () => void
  #watcher: FSWatcher | undefined

  /** @throws when another stack has the folder: two engines on one file would both write */
  constructor(folder: string) {
    this.#folder = folder
    this.#unlock = lockFolder(folder, '--data')
    this.file = join(folder, 'tables.sqlite')
    this.checkpoints = new CheckpointFile(join(folder, 'checkpoints.json'))
  }

  /** Calls back when the database changes, by whomever. Where the system can't watch a folder, the poll remains. */
  watch(onChange: () => void): void {
    this.#watcher = watch(this.#folder, (_event, name) => {
      if (name?.startsWith('tables.sqlite')) onChange()
    })
    this.#watcher.on('error', () => this.#watcher?.close())
  }

  close(): void {
    this.#watcher?.close()
    this.checkpoints.flush()
    this.#unlock()
  }
}
