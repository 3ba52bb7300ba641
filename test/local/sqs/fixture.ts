import type { Resource } from '../../../local/cloudformation/resource.ts'
import { ManualClock } from '../../../local/clock.ts'
import type { Log } from '../../../local/log.ts'
import { queueDefinitions } from '../../../local/sqs/definition.ts'
import { Queues } from '../../../local/sqs/queues.ts'

export function queueResource(name: string, properties: Record<string, unknown> = {}): Resource {
  return {
    logicalId: name.replace(/\W/g, ''),
    type: 'AWS::SQS::Queue',
    stack: 'Test',
    path: `Test/${name}`,
    physicalId: `https://sqs.eu-west-1.amazonaws.com/123456789012/${name}`,
    arn: arnOf(name),
    properties,
  }
}

export function arnOf(name: string): string {
  return `arn:aws:sqs:eu-west-1:123456789012:${name}`
}

/** Queues by name with their properties, on a clock of their own; errors go to `errors`. */
export function makeQueues(queues: Readonly<Record<string, Record<string, unknown>>>) {
  const clock = new ManualClock()
  const errors: string[] = []
  const log: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: (_, text) => void errors.push(text),
  }
  const all = new Queues(
    queueDefinitions(Object.entries(queues).map(([name, properties]) => queueResource(name, properties))),
    { clock, log },
  )
  const queue = (name: string) => {
    const found = all.byName(name)
    if (!found) throw new Error(`no queue "${name}" in this fixture`)
    return found
  }
  return { queues: all, queue, clock, errors, log }
}
