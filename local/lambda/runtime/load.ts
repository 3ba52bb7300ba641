import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isPlainScript } from './common-js.ts'
import { RuntimeError } from './errors.ts'
import { type ModuleFolders, fromLayers, installationHint } from './modules.ts'
import { STREAMING } from './response-stream.ts'

export type Handler = ((...args: unknown[]) => unknown) & { readonly [STREAMING]?: unknown }

export interface LoadOptions {
  readonly taskRoot: string
  /** `src/app.handler`: a file below the task's root, then the way to the function in what it exports. */
  readonly handler: string
  readonly allowsCallbacks: boolean
  readonly modules: ModuleFolders
}

/** @throws RuntimeError, or whatever the function's own code throws as it loads */
export async function loadHandler(options: LoadOptions): Promise<Handler> {
  const { handler, allowsCallbacks } = options
  if (handler.includes('..'))
    throw new RuntimeError(
      'Runtime.MalformedHandlerName',
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    )
  const name = basename(handler)
  const [, file, path] = /^([^.]*)\.(.*)$/.exec(name) ?? []
  if (file === undefined || path === undefined)
    throw new RuntimeError('Runtime.MalformedHandlerName', 'Bad handler')
  const exported = await loadModule(handler.slice(0, -name.length), file, options)
  const found = path
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], exported)
  if (!found) throw new RuntimeError('Runtime.HandlerNotFound', `${handler} is undefined or not exported`)
  if (typeof found !== 'function')
    throw new RuntimeError('Runtime.HandlerNotFound', `${handler} is not a function`)
  const isStreaming = (found as Handler)[STREAMING] !== undefined
  if (found.length >= 3 && !allowsCallbacks && !isStreaming)
    throw new RuntimeError(
      'Runtime.CallbackHandlerDeprecated',
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later.',
    )
  return found as Handler
}

async function loadModule(folder: string, file: string, options: LoadOptions): Promise<unknown> {
  const { taskRoot, modules } = options
  try {
    const base = resolve(taskRoot, fromLayers(folder, modules.layerRoot), file)
    const path = ['', '.js', '.mjs', '.cjs'].map((extension) => base + extension).find(isFile)
    const require = createRequire(join(taskRoot, 'index.js'))
    if (path === undefined) return require(require.resolve(join(folder, file), { paths: [taskRoot] }))
    return isModule(path, taskRoot) ? await import(pathToFileURL(path).href) : require(path)
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new RuntimeError('Runtime.UserCodeSyntaxError', String(cause), { cause })
    if (!(cause instanceof Error)) throw cause
    const hint = installationHint(cause.message, modules.runtime)
    if ((cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND')
      throw new RuntimeError('Runtime.ImportModuleError', `Error: ${cause.message}${hint}`, { cause })
    if (hint !== '') cause.message += hint
    throw cause
  }
}

/** A `.js` file is what the nearest `package.json` says, no further up than the task's root. */
function isModule(path: string, taskRoot: string): boolean {
  if (!path.endsWith('.js')) return path.endsWith('.mjs')
  if (isPlainScript(path, taskRoot)) return false
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (isFile(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { type?: string }).type === 'module'
    if (folder === dirname(folder)) return false
  }
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
