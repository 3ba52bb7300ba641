import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Takes a folder for this process, making it if need be.
 * @param flag how to choose another one, for the message
 * @returns gives the folder back; idempotent
 * @throws when a process that runs has it
 */
export function lockFolder(folder: string, flag: string): () => void {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'pid')
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  if (pid > 0 && isRunning(pid))
    throw new Error(
      `"${folder}" is in use by process ${pid}; stop that, or choose another folder with ${flag}`,
    )
  writeFileSync(file, String(process.pid))
  return () => rmSync(file, { force: true })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // somebody else's, but there
  }
}
