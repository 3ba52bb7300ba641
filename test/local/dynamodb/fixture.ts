import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../../local/clock.ts'
import type { Environment, Resource } from '../../../local/cloudformation/resource.ts'
import { DynamoDbService } from '../../../local/dynamodb/service.ts'
import type { StreamRecord } from '../../../local/dynamodb/stream.ts'
import type { Faults } from '../../../local/faults.ts'
import type { InvokeResult } from '../../../local/lambda/invoker.ts'

export const environment: Environment = {
  partition: 'aws',
  region: 'eu-west-1',
  accountId: '123456789012',
}
export const functionArn = (name: string) => `arn:aws:lambda:eu-west-1:123456789012:function:${name}`
export const QUEUE_ARN = 'arn:aws:sqs:eu-west-1:123456789012:dead'
export const TABLE_ARN = 'arn:aws:dynamodb:eu-west-1:123456789012:table/Tasks'
export const STREAM_ARN = `${TABLE_ARN}/stream/2026-01-01T00:00:00.000`

export const resource = (
  type: string,
  physicalId: string,
  arn: string,
  properties: Readonly<Record<string, unknown>>,
): Resource => ({
  logicalId: physicalId,
  type,
  stack: 'S',
  path: `S/${physicalId}`,
  physicalId,
  arn,
  properties,
})

export const functionResource = (name: string) =>
  resource('AWS::Lambda::Function', name, functionArn(name), {})

export const table = (over: Readonly<Record<string, unknown>> = {}, name = 'Tasks') =>
  resource('AWS::DynamoDB::Table', name, TABLE_ARN.replace('Tasks', name), {
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    ...over,
  })

export const mapping = (over: Readonly<Record<string, unknown>> = {}, id = 'Mapping') =>
  resource('AWS::Lambda::EventSourceMapping', id, '', {
    FunctionName: 'stream',
    EventSourceArn: STREAM_ARN,
    StartingPosition: 'TRIM_HORIZON',
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    BisectBatchOnFunctionError: true,
    MaximumRetryAttempts: 1,
    DestinationConfig: { OnFailure: { Destination: QUEUE_ARN } },
    ...over,
  })

/** A clock on which everything falls due at once. */
export const hasty: Clock = {
  now: () => systemClock.now(),
  after: (_ms, callback) => systemClock.after(0, callback),
}

export interface StreamEvent extends Record<string, unknown> {
  readonly Records: readonly StreamRecord[]
}

export const idOf = (record: StreamRecord) => String(record.dynamodb.Keys['id']?.['S'])

interface Setup {
  readonly table?: Readonly<Record<string, unknown>>
  /** Properties of the mapping, over sensible ones. */
  readonly mapping?: Readonly<Record<string, unknown>>
  readonly resources?: readonly Resource[]
  /** Done before the mapping starts. */
  readonly write?: (put: (id: string, extra?: object) => Promise<void>) => Promise<void>
  readonly clock?: Clock
  readonly data?: string
  readonly pollIntervalMs?: number
  readonly faults?: Faults
  readonly streamPollMs?: number
  readonly answer?: (event: StreamEvent) => InvokeResult | Promise<InvokeResult>
}

/** A table `Tasks`, a mapping of its stream, and all that its function and its failure queue got. */
export async function makeConsumer(setup: Setup = {}) {
  const { clock = hasty, data, write, faults, pollIntervalMs, streamPollMs } = setup
  const { answer = () => ({ payload: '' }) } = setup
  const events: StreamEvent[] = []
  const dead: Record<string, Record<string, unknown>>[] = []
  const lines: string[] = []
  const note = (_source: string, text: string) => void lines.push(text)
  const service = await DynamoDbService.start({
    resources: setup.resources ?? [table(setup.table), mapping(setup.mapping), functionResource('stream')],
    environment,
    clock,
    log: { info: () => undefined, warn: note, error: note },
    env: process.env,
    ttlIntervalMs: 1_000_000,
    ...(data === undefined ? {} : { data }),
    ...(pollIntervalMs === undefined ? {} : { pollIntervalMs }),
    faults,
    streamPollMs,
  })
  onTestFinished(() => service.stop())
  const put = async (id: string, extra: object = {}) => {
    await service.engine.client.call('PutItem', { TableName: 'Tasks', Item: { id: { S: id }, ...extra } })
  }
  await write?.(put)
  await service.consume({
    functions: {
      invoke: async (_target, event) => {
        events.push(event as StreamEvent)
        return answer(event as StreamEvent)
      },
      invokeAsync: () => undefined,
    },
    destinations: { send: (_arn, body) => void dead.push(JSON.parse(body) as (typeof dead)[number]) },
  })
  const records = () => events.flatMap(({ Records }) => Records)
  return { service, put, events, dead, lines, records, ids: () => records().map(idOf) }
}

/** A folder of its own, gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'data-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
