// Runs in the processes of the command that runs a CDK app, before anything else: has the one that is about to read the
// first file of the project load what the run before needed of the CDK, and wait there until it is told to go on.
import { read, readFileSync, readSync, writeFileSync } from 'node:fs'
import { Module, createRequire } from 'node:module'
import { join, resolve, sep } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { PRELOAD_VARIABLE, type PreloadOptions } from './app-process.ts'

const GO = Buffer.alloc(1)

interface Loader {
  load: (this: unknown, file: string) => void
}

async function begin(options: PreloadOptions): Promise<void> {
  const isOfProject = (file: string) =>
    file.startsWith(options.project + sep) && !file.includes(`${sep}node_modules${sep}`)
  if (isOfProject(resolve(process.argv[1] ?? ''))) {
    enter(options)
    if (!options.waits) return
    await importLoaders()
    loadLibraries(options)
    await new Promise<void>((go) => read(0, GO, 0, 1, null, goOrEnd(go)))
    return
  }
  // Some other program: one that starts the app's process, or one such as ts-node that loads the app into its own.
  const { prototype } = Module as unknown as { prototype: Loader }
  const { load } = prototype
  prototype.load = function (file) {
    if (isOfProject(file)) {
      prototype.load = load
      enter(options)
      if (options.waits) {
        loadLibraries(options)
        goOrEnd(() => undefined)(null, readSync(0, GO, 0, 1, null))
      }
    }
    load.call(this, file)
  }
}

/** This is the app's process: those that it starts itself are none of ours. */
function enter({ nodeOptions, modulesFile }: PreloadOptions): void {
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a variable that is empty is not one that is absent
  delete process.env[PRELOAD_VARIABLE]
  if (nodeOptions === undefined) delete process.env['NODE_OPTIONS']
  else process.env['NODE_OPTIONS'] = nodeOptions
  process.on('exit', () => {
    const loaded = Object.keys(requireHere().cache).filter(isLibrary)
    writeFileSync(modulesFile, JSON.stringify(loaded))
  })
}

/** Files of the CDK itself, which reads nothing of the project before it is called. */
const isLibrary = (file: string) => /[\\/]node_modules[\\/](aws-cdk-lib|constructs)[\\/].*\.js$/.test(file)

const requireHere = () => createRequire(join(process.cwd(), 'app'))

/** What `--import` names in the command comes after this file; it may as well be there when the app may go on. */
async function importLoaders(): Promise<void> {
  for (const [index, option] of process.execArgv.entries()) {
    const loader = option === '--import' ? process.execArgv[index + 1] : /^--import=(.*)/.exec(option)?.[1]
    if (loader === undefined || loader.startsWith('.')) continue
    await import(loader).catch(() => undefined) // Node itself imports it next, and complains
  }
}

function loadLibraries({ modulesFile }: PreloadOptions): void {
  try {
    const require = requireHere()
    for (const file of JSON.parse(readFileSync(modulesFile, 'utf8')) as string[]) require(file)
  } catch {
    // the first run, or a library that has changed since: the app loads what it needs itself
  }
}

/** The end of the input without a byte says that this run is not wanted, or that nobody is there any more. */
const goOrEnd = (go: () => void) => (error: unknown, bytes: number) => {
  if (error !== null || bytes === 0) process.exit(0)
  go()
}

const text = process.env[PRELOAD_VARIABLE]
if (text !== undefined && isMainThread) await begin(JSON.parse(text) as PreloadOptions)
