import { join } from 'node:path'
import type { Synthesizer } from '../cloudformation/synthesizer.ts'
import type { RunningStack, StackUpdate } from '../stack.ts'
import { LiveEdits } from './live-edits.ts'
import { Sources } from './sources.ts'

export interface WatchOptions {
  readonly stack: RunningStack
  /** Folder of the assembly that runs. */
  readonly assembly: string
  /** The project that the assembly is made from; without it the assembly itself is watched. */
  readonly source?: { readonly project: string; readonly synthesizer: Synthesizer }
  /** Folders that are written to, not edited. */
  readonly except: readonly string[]
  readonly say: (text: string) => void
  readonly onUpdate: (update: StackUpdate) => void
  /** Told of every file that changed. @returns whether the app has nothing to do with them */
  readonly onChange?: (files: readonly string[]) => boolean
}

/** Watches what a stack is made from, and keeps it up to date. @returns how to stop that */
export async function startWatching(options: WatchOptions): Promise<() => Promise<void>> {
  const { stack, assembly, source, except, say, onUpdate, onChange } = options
  const synthesizer = source?.synthesizer
  const edits = new LiveEdits({ stack, assembly, say, onUpdate, ...(synthesizer ? { synthesizer } : {}) })
  const sources = new Sources({
    // An assembly is whole when its manifest is written.
    path: source?.project ?? join(assembly, 'manifest.json'),
    except,
    onChange: (files) => {
      if (onChange?.(files) !== true) edits.changed()
    },
  })
  await Promise.all([sources.ready(), synthesizer?.prepare()])
  return async () => {
    await sources.close()
    synthesizer?.close()
    await edits.stop()
  }
}
