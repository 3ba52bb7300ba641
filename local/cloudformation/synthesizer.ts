import { existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { AppProcess, PRELOAD_VARIABLE, type PreloadOptions } from './app-process.ts'
import { type SynthesizeOptions, appCommand } from './synthesize.ts'

/**
 * Commands that run the app's own code in one process of Node.js and do nothing before: others, such as
 * `npm run build && node app.js`, may have read the project long before they come to the app.
 */
const CAN_WAIT = /^(?:npx\s+(?:--?[\w-]+\s+)*)?(?:node|tsx|ts-node|ts-node-esm)\s[^&|;<>()`$\n]*$/
/** What a loader reads before the app's first file, and what an installation changes. */
const READ_EARLY = /^(?:package\.json|tsconfig.*\.json|\.env)$/
const INSTALLED = ['.package-lock.json', '.modules.yaml', '.yarn-integrity', '.yarn-state.yml']

/** Synthesizes a CDK project again and again; the next run is at the door of the app's own code when it is asked for. */
export class Synthesizer {
  readonly #options: SynthesizeOptions
  #waiting: { readonly process: AppProcess; readonly key: string } | undefined
  #running: AppProcess | undefined
  #isClosed = false

  constructor(options: SynthesizeOptions) {
    this.#options = options
  }

  /**
   * One synthesis of the project as it is now.
   * @throws when there is no app, or it fails: with everything that it printed
   */
  async run(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = undefined
    const isOfNow = waiting?.process.isRunning === true && waiting.key === this.#key()
    if (!isOfNow) waiting?.process.dismiss()
    const process = isOfNow ? waiting.process : await this.#start(false)
    this.#running = process
    try {
      await process.finish()
    } finally {
      this.#running = undefined
    }
  }

  /** Has the next run load what it needs. Does nothing for an app whose command can't wait. */
  async prepare(): Promise<void> {
    const { app } = appCommand(this.#options)
    if (this.#waiting || this.#hasClosed() || !CAN_WAIT.test(app.trim())) return
    const key = this.#key()
    const process = await this.#start(true)
    this.#waiting = { process, key }
    if (this.#hasClosed()) process.dismiss()
  }

  #hasClosed(): boolean {
    return this.#isClosed
  }

  /** Ends the run that waits, and the one that is under way. Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#waiting?.process.dismiss()
    this.#running?.kill()
  }

  async #start(waits: boolean): Promise<AppProcess> {
    const command = appCommand(this.#options)
    const { app, project, env } = command
    const modules = CAN_WAIT.test(app.trim()) ? nearestModules(project) : undefined
    if (modules === undefined) return new AppProcess(command)
    const nodeOptions = env['NODE_OPTIONS']
    const preload: PreloadOptions = {
      project,
      modulesFile: `${this.#options.output}.modules.json`,
      waits,
      nodeOptions,
    }
    const url = pathToFileURL(await writePreload(modules)).href
    return new AppProcess({
      app,
      project,
      env: {
        ...env,
        NODE_OPTIONS: `${nodeOptions ?? ''} --import ${url}`.trim(),
        [PRELOAD_VARIABLE]: JSON.stringify(preload),
      },
    })
  }

  /** Everything that a waiting run has taken in already. */
  #key(): string {
    const command = appCommand(this.#options)
    const { project } = command
    const early = readdirSync(project).filter((name) => READ_EARLY.test(name))
    const modules = nearestModules(project)
    const files = [
      ...early.map((name) => join(project, name)),
      ...(modules === undefined ? [] : INSTALLED.map((name) => join(modules, name))),
    ]
    return JSON.stringify([command, files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs)])
  }
}

function nearestModules(folder: string): string | undefined {
  const modules = join(folder, 'node_modules')
  if (existsSync(modules)) return modules
  return dirname(folder) === folder ? undefined : nearestModules(dirname(folder))
}

let built: Promise<string> | undefined

/** Where the project keeps its libraries, so that what the preload imports is found as the app finds it. */
async function writePreload(modules: string): Promise<string> {
  built ??= build({
    entryPoints: [fileURLToPath(new URL('app-preload.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '')
  const folder = join(modules, '.cache', 'local-stack')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'app-preload.mjs')
  writeFileSync(`${file}.${process.pid}`, await built)
  renameSync(`${file}.${process.pid}`, file)
  return file
}
