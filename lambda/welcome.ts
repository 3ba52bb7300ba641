// Invoked asynchronously by $connect: greets a connection as soon as its handshake is over.
import type { Context } from 'aws-lambda'
import { documentClient } from './aws/document-client.ts'
import { halfTime } from './aws/system.ts'
import { wirePublish, wireTasks } from './aws/wire.ts'
import type { Greeting } from './core/ports.ts'
import { welcome } from './core/welcome.ts'
import { readCount } from './env.ts'

const client = documentClient()
const deps = {
  ...wirePublish(client),
  tasks: wireTasks(client),
  heartbeatMs: readCount('heartbeatSeconds') * 1000,
  leaseMs: readCount('leaseSeconds') * 1000,
  reconnectMs: readCount('reconnectSeconds') * 1000,
}

export async function handler(greeting: Greeting, context: Context): Promise<void> {
  await welcome(greeting, { ...deps, deadline: halfTime(context) })
}
