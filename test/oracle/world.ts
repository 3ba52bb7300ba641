import type { RunningClock } from '../../local/clock.ts'
import { Faults } from '../../local/faults.ts'
import type { LossNotice } from '../../local/api-gateway/websocket/loss-notice.ts'
import type { StackOptions } from '../../local/stack.ts'
import { startOpenline } from '../support/openline.ts'
import { Ledger } from './ledger.ts'
import { ViewerHost } from './viewer-host.ts'

export interface WorldOptions extends Pick<StackOptions, 'latency' | 'data' | 'patienceMs'> {
  readonly assembly: string
  readonly seed: number
  readonly clock: RunningClock
  readonly lossNotice: LossNotice
  /** How far the clock of those who watch is off. */
  readonly viewersSkewMs: number
}

/** The whole stack, those who watch it, and the truth. */
export async function openWorld({ assembly, seed, clock, viewersSkewMs, ...options }: WorldOptions) {
  const faults = new Faults({}, seed)
  const openline = await startOpenline(assembly, { ...options, faults, clock })
  const { stack, rest } = openline
  const url = stack.apis.find(({ protocol }) => protocol === 'WEBSOCKET')?.url ?? ''
  const tables = stack.namesOf('AWS::DynamoDB::Table')
  const functions = Object.values(stack.namesOf('AWS::Lambda::Function'))
  const nameWith = (names: readonly string[], part: string) => {
    const found = names.find((name) => name.includes(part))
    if (found === undefined) throw new Error(`nothing is called "${part}" among ${names.join(', ')}`)
    return found
  }
  const tableNames = Object.values(tables)
  const ledger = new Ledger(stack.dynamodb.engine, {
    tasks: nameWith(tableNames, 'Tasks'),
    channelLog: nameWith(tableNames, 'ChannelLog'),
    connections: nameWith(tableNames, 'Connections'),
  })
  const viewers = await ViewerHost.start({ url, rest, time: clock.shared, skewMs: viewersSkewMs })
  return {
    ...openline,
    faults,
    ledger,
    viewers,
    clock,
    functions,
    /** Whether the tables are in files, so that their engine can be killed. */
    isKept: options.data !== undefined,
    close: async () => {
      await viewers.stop()
      await openline.close()
    },
  }
}

export type World = Awaited<ReturnType<typeof openWorld>>
