import type { RunningStack, StackUpdate } from '../stack.ts'
import { failureText, summaryOf } from './summary.ts'

export interface LiveEditsOptions {
  readonly stack: Pick<RunningStack, 'update'>
  /** Makes the assembly anew from its sources; without it somebody else does. */
  readonly synthesizer?: { run(): Promise<void>; prepare(): Promise<void> }
  /** Folder of the assembly. */
  readonly assembly: string
  /** Tells the developer. */
  readonly say: (text: string) => void
  /** The stack runs another synthesis. */
  readonly onUpdate?: (update: StackUpdate) => void
}

/**
 * Brings edits to a running stack: each change of the sources is synthesized and applied, one after another. What goes
 * wrong is told once, and the stack goes on as it is; the same trouble again is not told again.
 */
export class LiveEdits {
  readonly #options: LiveEditsOptions
  /** When the first change came that is not synthesized yet; `performance.now()`. */
  #since: number | undefined
  #running: Promise<void> | undefined
  #trouble: string | undefined
  #isStopped = false

  constructor(options: LiveEditsOptions) {
    this.#options = options
  }

  /** Something was edited. */
  changed(): void {
    this.#since ??= performance.now()
    this.#running ??= this.#run().finally(() => (this.#running = undefined))
  }

  /** Applies nothing more, and resolves when what was under way is over. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    const { synthesizer, say } = this.#options
    while (this.#since !== undefined && !this.#isStopped) {
      const since = this.#since
      this.#since = undefined
      try {
        await this.#apply(since)
      } catch (error) {
        // Edited again meanwhile, or ended: what was wrong is of no interest.
        if (!this.#isOutdated()) this.#tell(error instanceof Error ? error.message : String(error))
      }
      await synthesizer?.prepare().catch((error: unknown) => say(String(error)))
    }
  }

  async #apply(since: number): Promise<void> {
    const { stack, synthesizer, assembly, say, onUpdate } = this.#options
    await synthesizer?.run()
    const update = await stack.update(assembly)
    const summary = summaryOf(update, performance.now() - since)
    if (summary !== undefined) say(this.#trouble === undefined ? summary : `mended: ${summary}`)
    else if (this.#trouble !== undefined && update.failures.size === 0)
      say('mended: everything is as it was before')
    if (update.failures.size === 0) this.#trouble = undefined
    else this.#tell(failureText(update))
    onUpdate?.(update)
  }

  #isOutdated(): boolean {
    return this.#since !== undefined || this.#isStopped
  }

  #tell(trouble: string): void {
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    this.#options.say(`${trouble}\nthe stack goes on as it was`)
  }
}
