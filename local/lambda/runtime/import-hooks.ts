// Runs in the thread that Node has for hooks: finds for `import` what `require` finds in layers and the runtime.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { InitializeHook, ResolveHook } from 'node:module'
import { type ModuleFolders, fromLayers, isBare, otherPlaces } from './modules.ts'

let folders: ModuleFolders

export const initialize: InitializeHook<ModuleFolders> = (data) => {
  folders = data
}

export const resolve: ResolveHook = async (specifier, context, next) => {
  const path = fromLayers(specifier, folders.layerRoot)
  if (path !== specifier) return next(pathToFileURL(path).href, context)
  try {
    return await next(specifier, context)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND' || !isBare(specifier)) throw error
    for (const place of otherPlaces(specifier, folders))
      try {
        return await next(specifier, { ...context, parentURL: pathToFileURL(join(place, 'index.js')).href })
      } catch {
        // the next place may have it; when none has, the first error says where it was asked for
      }
    throw error
  }
}
