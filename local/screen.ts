import { distinctMessages, foreignFunctions, skippedTypes } from './report.ts'
import type { RunningStack } from './stack.ts'

export interface ScreenOptions {
  /** Address of the page. */
  readonly page: string
  readonly logFile: string
  readonly outputsFile: string
  /** Whether signatures and permissions are checked. */
  readonly iam: boolean
}

/** One screen for whoever started the stack: where everything is, what to try, what to know. */
export function screen(stack: RunningStack, { page, logFile, outputsFile, iam }: ScreenOptions): string {
  const urls = stack.apis.map(({ protocol, logicalId, url }) => [
    protocol === 'HTTP' ? 'HTTP' : 'WebSocket',
    url,
    logicalId,
  ])
  const shown = new Set(stack.apis.map(({ url }) => url))
  const warned = new Set(stack.deployment.messages.map(({ text }) => text))
  const outputs = stack.deployment.outputs
    .filter(
      ({ key, value }) =>
        !key.startsWith('ExportsOutput') && !shown.has(stack.toLocal(value)) && !warned.has(value),
    )
    .map(({ key, value }) => [key, stack.toLocal(value)])
  const { resources } = stack.deployment
  const skipped = Object.entries(skippedTypes(resources)).map(([type, count]) => `${type} (${count})`)
  const foreign = foreignFunctions(resources).map(({ path, runtime }) => `${path} (${runtime})`)
  const notes = [
    ...distinctMessages(stack.deployment.messages),
    ...(skipped.length > 0 ? [['skipped', `not emulated: ${skipped.join(', ')}`]] : []),
    ...(foreign.length > 0 ? [['skipped', `functions that only run on AWS: ${foreign.join(', ')}`]] : []),
    ['DynamoDB', `${stack.dynamodb.engine.name} at ${stack.dynamodb.engine.endpoint}`],
    ['outputs', `${outputsFile}: addresses and names${iam ? ', and the keys to sign calls with' : ''}`],
    ...(iam ? [] : [['iam', 'off: nobody needs a signature or a permission']]),
    ['log', logFile],
  ]
  const rows = [['page', page], ...urls, ...outputs, ...notes]
  const width = Math.max(...rows.map(([name = '']) => name.length))
  const lines = rows.map(([name = '', ...rest]) => `  ${name.padEnd(width)}  ${rest.join('  ')}`)
  return `\n${lines.join('\n')}\n\n  Ctrl-C stops everything.\n\n`
}
