// $disconnect: forgets the connection. Twice, late or never does no harm.
import { documentClient } from './aws/document-client.ts'
import type { DisconnectEvent, RouteReply } from './aws/events.ts'
import { report } from './aws/log.ts'
import { wireStore } from './aws/wire.ts'
import { forget } from './core/forget.ts'
import { connectionId } from '../protocol/ids.ts'

const deps = { store: wireStore(documentClient()), report }

export async function handler({ requestContext }: DisconnectEvent): Promise<RouteReply> {
  await forget(connectionId(requestContext.connectionId), 'disconnected', deps)
  return { statusCode: 200 }
}
