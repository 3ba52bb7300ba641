import { type ChildProcess, spawn } from 'node:child_process'

/** What the preload in the app's processes is told, as JSON in a variable of this name. */
export const PRELOAD_VARIABLE = 'LOCAL_STACK_PRELOAD'

export interface PreloadOptions {
  /** The project's folder: its files are read after the word to go on. */
  readonly project: string
  /** Where the modules of the CDK that a run loaded are written down for the next one. */
  readonly modulesFile: string
  /** Whether to wait for the word. */
  readonly waits: boolean
  /** What `NODE_OPTIONS` was before the preload was added to it. */
  readonly nodeOptions: string | undefined
}

export interface AppCommand {
  /** A shell command. */
  readonly app: string
  /** The folder that it runs in. */
  readonly project: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The command of a CDK app, running. */
export class AppProcess {
  readonly #app: string
  readonly #child: ChildProcess
  readonly #printed: Buffer[] = []
  readonly #ended: Promise<number | null>
  #hasEnded = false

  constructor({ app, project, env }: AppCommand) {
    this.#app = app
    this.#child = spawn(app, { cwd: project, shell: true, stdio: 'pipe', env })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => this.#printed.push(chunk))
    this.#child.stdin?.on('error', () => undefined) // it has ended: its exit code says why
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', resolve)
    })
    this.#ended.catch(() => undefined).finally(() => (this.#hasEnded = true))
  }

  get isRunning(): boolean {
    return !this.#hasEnded
  }

  /**
   * Tells an app that waits to go on, and resolves when it has ended well.
   * @throws when it fails: with everything that it printed
   */
  async finish(): Promise<void> {
    this.#child.stdin?.end('!')
    const code = await this.#ended
    if (code === 0) return
    const printed = Buffer.concat(this.#printed).toString().trimEnd()
    throw new Error(`the app "${this.#app}" failed with exit code ${code}:\n${printed}`)
  }

  /** Lets an app that waits end without having begun. */
  dismiss(): void {
    this.#child.stdin?.end()
  }

  /** Ends it, whatever it is doing. */
  kill(): void {
    this.dismiss()
    this.#child.kill()
  }
}
