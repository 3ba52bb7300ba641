// Greetings that failed, of whatever cause: closes the connection, so that its client comes back.
import type { Context } from 'aws-lambda'
import { documentClient } from './aws/document-client.ts'
import type { FailedGreeting } from './aws/greeter.ts'
import { report } from './aws/log.ts'
import { halfTime, systemClock, systemRandom } from './aws/system.ts'
import { wireSender, wireStore } from './aws/wire.ts'
import { turnAway } from './core/welcome.ts'

const deps = {
  store: wireStore(documentClient()),
  sender: wireSender(),
  clock: systemClock,
  random: systemRandom,
  report,
}

export async function handler(
  { requestContext: { condition }, requestPayload: { connectionId } }: FailedGreeting,
  context: Context,
): Promise<void> {
  report('warn', 'a connection could not be greeted', { connectionId, condition })
  await turnAway(connectionId, { ...deps, deadline: halfTime(context) })
}
