import { relative, sep } from 'node:path'

/** Something that a function said, for whoever develops it. */
export interface FunctionOutput {
  readonly functionName: string
  /** Undefined while the handler loads. */
  readonly requestId: string | undefined
  /** Since the invocation began. */
  readonly elapsedMs: number | undefined
  /** `INFO`, `ERROR`; empty for what went to a standard stream. */
  readonly level: string
  readonly text: string
}

/** `3f2a91c4 +12 ms  `, in front of what an invocation has to say; empty while the handler loads. */
export function placeOf(requestId: string | undefined, elapsedMs: number | undefined): string {
  if (requestId === undefined) return ''
  return `${requestId.slice(0, 8)} +${Math.round(elapsedMs ?? 0)} ms  `
}

/** One or more lines for a screen: `Fn: 3f2a91c4 +12 ms  WARN careful`. */
export function outputText({ functionName, requestId, elapsedMs, level, text }: FunctionOutput): string {
  const head = `${functionName}: ${placeOf(requestId, elapsedMs)}`
  const loud = level === '' || level === 'INFO' ? '' : `${level} `
  return `${head}${loud}${text.replaceAll('\n', '\n  ')}\n`
}

/** A stack without the frames of the runtime, and with the developer's files as they are called from here. */
export function readableStack(stack: string, folder = process.cwd()): string {
  return stack
    .split('\n')
    .filter((line) => !/^ +at .*(\[worker eval\]|node:internal)/.test(line))
    .map((line) =>
      line.replace(
        /(^ +at .*?)(?:file:\/\/)?(\/[^)]+)/,
        (_, at: string, path: string) => at + shorter(path, folder),
      ),
    )
    .join('\n')
}

const shorter = (path: string, folder: string) =>
  path.startsWith(folder + sep) ? relative(folder, path) : path
