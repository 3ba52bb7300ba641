import { Module, register } from 'node:module'
import { join, sep } from 'node:path'

/** Where modules are looked for that the function's own code does not have. */
export interface ModuleFolders {
  readonly taskRoot: string
  /** Content of the function's layers, which it knows as `/opt`. */
  readonly layerRoot: string | undefined
  /** `nodejs24.x` */
  readonly runtime: string
  /** Folders from which the modules that Lambda's runtime brings along are looked for, upwards. */
  readonly providers: readonly string[]
  /** Whether `import` looks there too; `require` always does. */
  readonly hasImportHooks: boolean
}

const LAYERS = '/opt/'

/** The SDK that a runtime brings along: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html */
export function isProvided(specifier: string, runtime: string): boolean {
  const isOld = Number(/^nodejs(\d+)/.exec(runtime)?.[1]) < 18
  return isOld ? /^aws-sdk(\/|$)/.test(specifier) : /^@(aws-sdk|smithy|aws-crypto)\//.test(specifier)
}

/**
 * Where else to look for a module that was not found, in the order of Lambda's `NODE_PATH`: the layers, then what the
 * runtime brings along, then the root of the code.
 */
export function otherPlaces(specifier: string, folders: ModuleFolders): string[] {
  const { taskRoot, layerRoot, runtime, providers } = folders
  const major = /^nodejs(\d+)/.exec(runtime)?.[1] ?? ''
  return [
    ...(layerRoot === undefined
      ? []
      : [join(layerRoot, 'nodejs', `node${major}`), join(layerRoot, 'nodejs')]),
    ...(isProvided(specifier, runtime) ? providers : []),
    taskRoot,
  ]
}

/** A path as the function writes it, where it is here. */
export const fromLayers = (path: string, layerRoot: string | undefined) =>
  layerRoot !== undefined && path.startsWith(LAYERS) ? join(layerRoot, path.slice(LAYERS.length)) : path

export const isBare = (specifier: string) => !/^[./]|^[a-z]+:/i.test(specifier)

type ResolveFilename = (
  request: string,
  parent: { filename?: string } | undefined,
  isMain: boolean,
  options?: { paths?: readonly string[] },
) => string

/** Has `require` find what layers and the runtime bring along, and nothing of the project around the code. */
export function resolveLikeLambda(folders: ModuleFolders): void {
  const { taskRoot, layerRoot } = folders
  // Node offers no public way to add to how `require` resolves.
  const internals = Module as unknown as { _resolveFilename: ResolveFilename }
  const resolve = internals._resolveFilename
  internals._resolveFilename = (request, parent, isMain, options) => {
    const path = fromLayers(request, layerRoot)
    let notFound: Error | undefined
    try {
      const found = resolve(path, parent, isMain, options)
      if (!isBare(path) || !isStray(found, parent?.filename)) return found
    } catch (error) {
      notFound = error as Error
    }
    if (isBare(path))
      for (const place of otherPlaces(path, folders))
        try {
          const found = resolve(path, parent, isMain, { paths: [place] })
          if (place !== taskRoot || found.startsWith(taskRoot + sep)) return found
        } catch (error) {
          notFound ??= error as Error // the next place may have it
        }
    throw notFound ?? moduleNotFound(request, parent?.filename)
  }

  /** The code lies in the project's folder here, whose modules are not there on AWS. */
  function isStray(found: string, from: string | undefined): boolean {
    const isOwn = (file: string) => file.startsWith(taskRoot + sep)
    return found.includes(sep) && from !== undefined && isOwn(from) && !isOwn(found)
  }
}

function moduleNotFound(request: string, from: string | undefined): Error {
  const message = `Cannot find module '${request}'\nRequire stack:\n- ${from ?? ''}`
  return Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' })
}

/**
 * Has `import` look in the same places, by hooks: they cost a thread, so only functions that need them have them.
 * @param source of `import-hooks.ts`, as a script of its own
 */
export function importLikeLambda(folders: ModuleFolders, source: string): void {
  register(`data:text/javascript,${encodeURIComponent(source)}`, { data: folders })
}

/** Whether hooks for `import` might have found the module. */
export function mightBeElsewhere(error: unknown, folders: ModuleFolders): boolean {
  const { code, message = '' } = error as { code?: string; message?: string }
  if (code !== 'ERR_MODULE_NOT_FOUND' || folders.hasImportHooks) return false
  const name = missingModule(message)
  return folders.layerRoot !== undefined || (name !== undefined && isProvided(name, folders.runtime))
}

/** What to do about a module that Lambda's runtime has and this machine does not; else an empty text. */
export function installationHint(message: string, runtime: string): string {
  const name = missingModule(message)
  if (name === undefined || !isProvided(name, runtime)) return ''
  const packageName = name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
  return ` (Lambda's ${runtime} brings "${packageName}" along; for the local stack, install it beside the app: npm install --save-dev ${packageName})`
}

const missingModule = (message: string) => /Cannot find (?:module|package) '([^']+)'/.exec(message)?.[1]
