// $connect: records the connection and has it greeted; 2xx opens the line.
import { type ConnectEvent, type RouteReply, acceptedProtocol, openingOf } from './aws/events.ts'
import { documentClient } from './aws/document-client.ts'
import { greeter, lambdaClient } from './aws/greeter.ts'
import { report } from './aws/log.ts'
import { wireStore } from './aws/wire.ts'
import { connect } from './core/connect.ts'
import { readCount, readText } from './env.ts'

const deps = {
  store: wireStore(documentClient()),
  greeter: greeter(lambdaClient(), readText('welcomeFunction')),
  report,
  leaseMs: readCount('leaseSeconds') * 1000,
}

export async function handler(event: ConnectEvent): Promise<RouteReply> {
  const statusCode = await connect(openingOf(event), deps)
  return { statusCode, ...acceptedProtocol(event) }
}
