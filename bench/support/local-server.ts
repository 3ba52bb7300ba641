// The local stack, with an API whose `$default` is a function that echoes, isolated as every function is.
import { rmSync } from 'node:fs'
import { startStack } from '../../local/stack.ts'
import { serve } from './child.ts'
import { writeEchoApp } from './echo-app.ts'

const assembly = writeEchoApp()
/** Beyond what can be measured here: the account's own quotas would be. */
const NO_LIMIT = 1e9

const stack = await startStack({
  assembly,
  iam: process.env['BENCH_IAM'] === 'on',
  quotas: { requestsPerSecond: NO_LIMIT, burst: NO_LIMIT, newConnectionsPerSecond: NO_LIMIT },
})
process.on('exit', () => rmSync(assembly, { recursive: true, force: true }))
const [api] = stack.apis
if (!api?.callbackUrl) throw new Error('the echo app has no WebSocket API')
serve({
  url: api.url.replace('localhost', '127.0.0.1'),
  callbackUrl: api.callbackUrl.replace('localhost', '127.0.0.1'),
})
