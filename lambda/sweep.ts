// On a schedule: closes connections quiet for longer than the timeout and forgets ghosts.
import { documentClient } from './aws/document-client.ts'
import { report } from './aws/log.ts'
import { systemClock } from './aws/system.ts'
import { wireSender, wireStore } from './aws/wire.ts'
import { sweep } from './core/sweep.ts'
import { readCount } from './env.ts'

const deps = {
  store: wireStore(documentClient()),
  sender: wireSender(),
  clock: systemClock,
  report,
  idleTimeoutMs: readCount('idleTimeoutSeconds') * 1000,
}

export async function handler(): Promise<void> {
  await sweep(deps)
}
