import { readFileSync } from 'node:fs'

/** @throws when the file of an assembly is not there or is no JSON */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`"${file}" can not be read as JSON; synthesize the app again`, { cause })
  }
}
