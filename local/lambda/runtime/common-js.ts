import { existsSync, readFileSync } from 'node:fs'
import { Module } from 'node:module'
import { dirname, join } from 'node:path'

interface Compiled {
  _compile(source: string, filename: string): void
}
type Load = (module: Compiled, filename: string) => void

/**
 * Whether a `.js` file of the task is CommonJS for want of a `package.json` between it and the task's root. On AWS
 * there is nothing above the root; here a project lies there whose `"type"` says nothing about the task.
 */
export function isPlainScript(filename: string, taskRoot: string): boolean {
  if (!filename.endsWith('.js') || !filename.startsWith(join(taskRoot, '/'))) return false
  for (let folder = dirname(filename); folder.length >= taskRoot.length; folder = dirname(folder))
    if (existsSync(join(folder, 'package.json'))) return false
  return true
}

/** Has `require` load such files as CommonJS, whatever lies above the task's root. */
export function ignoreProjectType(taskRoot: string): void {
  // Node offers no public way to say the format of a file to `require`.
  const loaders = (Module as unknown as { _extensions: Record<'.js', Load> })._extensions
  const load = loaders['.js']
  loaders['.js'] = (module, filename) => {
    if (isPlainScript(filename, taskRoot)) module._compile(readFileSync(filename, 'utf8'), filename)
    else load(module, filename)
  }
}
