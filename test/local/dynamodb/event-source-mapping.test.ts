import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Clock, ManualClock, RunningClock, systemClock } from '../../../local/clock.ts'
import { DynamoDbService } from '../../../local/dynamodb/service.ts'
import type { StreamRecord } from '../../../local/dynamodb/stream.ts'
import { FunctionThrottledError, type InvokeResult } from '../../../local/lambda/invoker.ts'
import { silentLog } from '../../../local/log.ts'
import { STREAM_ARN, environment, functionArn, functionResource, mapping, table } from './fixture.ts'

const FUNCTION_ARN = functionArn('stream')

const ok: InvokeResult = { payload: '{"batchItemFailures":[]}' }
const crash: InvokeResult = {
  payload: '{"errorType":"Error","errorMessage":"no"}',
  functionError: 'Unhandled',
}

/** An engine that notes its process id. */
function notedEngine() {
  const enginePackage = `@dynoxide/${process.platform}-${process.arch}/package.json`
  const real = join(dirname(createRequire(import.meta.url).resolve(enginePackage)), 'dynoxide')
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const binary = join(folder, 'dynoxide')
  const note = join(folder, 'pid')
  writeFileSync(binary, `#!/bin/sh\necho $$ > ${note}\nexec ${real} "$@"\n`, { mode: 0o755 })
  return { binary, pid: () => Number(readFileSync(note, 'utf8')) }
}

describe('EventSourceMapping', () => {
  let service: DynamoDbService
  let batches: string[][]
  let seen: StreamRecord[]
  let dead: Record<string, Record<string, unknown>>[]
  let answer: (ids: string[], records: readonly StreamRecord[]) => InvokeResult | Promise<InvokeResult>

  const idOf = (record: StreamRecord) => String(record.dynamodb.Keys['id']?.['S'])

  async function start(
    over: Record<string, unknown> = {},
    write?: () => Promise<void>,
    clock: Clock = { now: () => systemClock.now(), after: (_ms, callback) => systemClock.after(0, callback) },
    env: Readonly<Record<string, string | undefined>> = process.env,
  ): Promise<void> {
    service = await DynamoDbService.start({
      resources: [table(), mapping(over), functionResource('stream')],
      environment,
      clock,
      log: silentLog,
      env,
      ttlIntervalMs: 1_000_000,
    })
    await write?.()
    await service.consume({
      functions: {
        invoke: async (_target, event) => {
          const { Records } = event as { Records: StreamRecord[] }
          batches.push(Records.map(idOf))
          seen.push(...Records)
          return answer(Records.map(idOf), Records)
        },
        invokeAsync: () => undefined,
      },
      destinations: { send: (_arn, body) => void dead.push(JSON.parse(body) as (typeof dead)[number]) },
    })
  }

  beforeEach(() => {
    batches = []
    seen = []
    dead = []
    answer = () => ok
  })
  afterEach(async () => service.stop())

  const put = async (id: string, extra: Record<string, unknown> = {}) => {
    await service.engine.client.call('PutItem', { TableName: 'Tasks', Item: { id: { S: id }, ...extra } })
  }
  const putAll = async (...ids: string[]) => {
    for (const id of ids) await put(id)
  }

  it('hands over what was written before it started, in order, in one batch', async () => {
    await start({}, async () => putAll('a', 'b', 'c'))
    await service.drained()
    expect(batches).toEqual([['a', 'b', 'c']])
  })

  it('gives records the shape that Lambda gets', async () => {
    await start()
    await put('a', { title: { S: 'x' } })
    await put('a', { title: { S: 'y' } })
    await service.engine.client.call('DeleteItem', { TableName: 'Tasks', Key: { id: { S: 'a' } } })
    await service.drained()
    expect(seen.map((record) => record.eventName)).toEqual(['INSERT', 'MODIFY', 'REMOVE'])
    expect(seen[1]).toEqual({
      eventID: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      eventName: 'MODIFY',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'eu-west-1',
      dynamodb: {
        ApproximateCreationDateTime: expect.any(Number) as number,
        Keys: { id: { S: 'a' } },
        NewImage: { id: { S: 'a' }, title: { S: 'y' } },
        OldImage: { id: { S: 'a' }, title: { S: 'x' } },
        SequenceNumber: expect.stringMatching(/^\d+$/) as string,
        SizeBytes: 21,
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
      eventSourceARN: STREAM_ARN,
    })
    const numbers = seen.map((record) => BigInt(record.dynamodb.SequenceNumber))
    expect(numbers.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(numbers)
  })

  it('leaves out a write that changes nothing', async () => {
    await start()
    await put('a')
    await put('a')
    await service.drained()
    expect(seen.map((record) => record.eventName)).toEqual(['INSERT'])
  })

  it('reads on past a page of writes that change nothing', async () => {
    await start({ BatchSize: 2 }, async () => putAll('a', 'b', 'a', 'b', 'c'))
    await service.drained()
    expect(batches).toEqual([['a', 'b'], ['c']])
  })

  it('stops while a retry waits', async () => {
    answer = () => crash
    const still = new ManualClock(Date.now())
    await start(
      { BisectBatchOnFunctionError: false, MaximumRetryAttempts: -1 },
      async () => putAll('a'),
      still,
    )
    await vi.waitFor(() => expect(batches.length).toBe(1))
    await service.stop()
    expect(dead).toEqual([])
  })

  it('gives up a record that grew too old while the function was throttled', async () => {
    const still = new ManualClock(Date.now())
    answer = () => {
      throw new FunctionThrottledError('no')
    }
    await start({ MaximumRecordAgeInSeconds: 60, MaximumRetryAttempts: 0 }, async () => putAll('a'), still)
    await vi.waitFor(() => expect(batches.length).toBe(1))
    await new Promise((resolve) => setImmediate(resolve))
    still.advance(3_600_000)
    await service.drained()
    expect(dead).toMatchObject([{ requestContext: { condition: 'RecordAgeExceeded' } }])
  })

  it('takes no record for old that was made by a clock days ahead of the machine', async () => {
    const ahead = new RunningClock()
    ahead.jump(3 * 86_400_000)
    await start({ MaximumRecordAgeInSeconds: 60 }, async () => putAll('a'), ahead)
    await service.drained()
    expect(batches).toEqual([['a']])
    expect(dead).toEqual([])
  })

  it('names the very function in the report, not one whose name begins alike', async () => {
    answer = () => crash
    await start({ FunctionName: `${FUNCTION_ARN}2`, MaximumRetryAttempts: 0 }, async () => putAll('a'))
    await service.drained()
    expect(dead).toMatchObject([{ requestContext: { functionArn: `${FUNCTION_ARN}2` } }])
  })

  it('marks a delete by TTL as the service’s own', async () => {
    await start()
    await put('old', { expiresAt: { N: String(Math.floor(Date.now() / 1000) - 60) } })
    await service.ttl.sweepNow()
    await service.drained()
    expect(seen.at(-1)).toMatchObject({
      eventName: 'REMOVE',
      userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
    })
  })

  it('takes no more than the batch size at once', async () => {
    await start({ BatchSize: 2 }, async () => putAll('a', 'b', 'c'))
    await service.drained()
    expect(batches).toEqual([['a', 'b'], ['c']])
  })

  it('hands over no more than 6 MB of JSON at once', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => String(index))
    const sizes: number[] = []
    answer = (_ids, records) => {
      sizes.push(Buffer.byteLength(JSON.stringify({ Records: records })))
      return ok
    }
    const text = { S: 'x'.repeat(390_000) }
    await start({}, async () => {
      for (const id of ids) await put(id, { text })
    })
    await service.drained()
    expect(batches.flat()).toEqual(ids)
    expect(batches.map((batch) => batch.length)).toEqual([16, 4])
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6 * 1024 * 1024)
  })

  it('starts at what is written from now on with LATEST', async () => {
    await start({ StartingPosition: 'LATEST' }, async () => putAll('before'))
    await put('after')
    await service.drained()
    expect(batches).toEqual([['after']])
  })

  it('goes on from the lowest record that was reported as failed', async () => {
    let first = true
    answer = (_ids, records) => {
      if (!first) return ok
      first = false
      const ids = [records[2], records[1]].map((r) => ({ itemIdentifier: r?.dynamodb.SequenceNumber }))
      return { payload: JSON.stringify({ batchItemFailures: ids }) }
    }
    await start({}, async () => putAll('a', 'b', 'c'))
    await service.drained()
    expect(batches).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ])
  })

  it.each(['', '{}', 'null', '{"batchItemFailures":null}', '{"batchItemFailures":[]}'])(
    'takes the reply %j for success',
    async (payload) => {
      answer = () => ({ payload })
      await start({}, async () => putAll('a', 'b'))
      await service.drained()
      expect(batches).toEqual([['a', 'b']])
      expect(dead).toEqual([])
    },
  )

  it.each(['""', 'null', '"999"'])('takes the identifier %s for failure of the whole batch', async (id) => {
    let first = true
    answer = () => {
      if (!first) return ok
      first = false
      return { payload: `{"batchItemFailures":[{"itemIdentifier":${id}}]}` }
    }
    await start({ BisectBatchOnFunctionError: false }, async () => putAll('a', 'b'))
    await service.drained()
    expect(batches).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })

  it('ends a poison record alone in the dead-letter queue, and the others go on', async () => {
    answer = (ids) => (ids.includes('poison') ? crash : ok)
    await start({}, async () => putAll('a', 'b', 'poison', 'c', 'd'))
    await service.drained()
    const handled = batches.filter((ids) => !ids.includes('poison')).flat()
    expect(handled).toEqual(['a', 'b', 'c', 'd'])
    const poison = seen.find((record) => idOf(record) === 'poison')?.dynamodb
    expect(dead).toMatchObject([
      {
        version: '1.0',
        requestContext: {
          functionArn: FUNCTION_ARN,
          condition: 'RetryAttemptsExhausted',
          approximateInvokeCount: 2,
        },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        DDBStreamBatchInfo: {
          startSequenceNumber: poison?.SequenceNumber,
          endSequenceNumber: poison?.SequenceNumber,
          batchSize: 1,
          streamArn: STREAM_ARN,
        },
      },
    ])
  })

  it('tries a batch as often as it may, then gives the whole of it up', async () => {
    answer = () => crash
    await start({ BisectBatchOnFunctionError: false, MaximumRetryAttempts: 3 }, async () => putAll('a', 'b'))
    await service.drained()
    expect(batches.length).toBe(4)
    expect(dead).toMatchObject([
      { requestContext: { approximateInvokeCount: 4 }, DDBStreamBatchInfo: { batchSize: 2 } },
    ])
  })

  it.skipIf(process.platform === 'win32')(
    'hands over all that is written after the engine died, as records of their own',
    async () => {
      const { binary, pid } = notedEngine()
      await start({}, undefined, undefined, { DYNOXIDE_BIN: binary })
      await putAll('a', 'b', 'c', 'd')
      await service.drained()
      process.kill(pid(), 'SIGKILL')
      await vi.waitFor(async () => put('e'), { timeout: 4000, interval: 5 })
      await putAll('f', 'g')
      await service.drained()
      expect(batches.flat()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
      expect(new Set(seen.map((record) => record.eventID)).size).toBe(7)
    },
  )

  it.skipIf(process.platform === 'win32')('still handles what it had read when the engine died', async () => {
    const { binary, pid } = notedEngine()
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    let first = true
    answer = async () => {
      if (!first) return ok
      first = false
      await held
      return crash
    }
    await start({ BisectBatchOnFunctionError: false }, async () => putAll('a'), undefined, {
      DYNOXIDE_BIN: binary,
    })
    await vi.waitFor(() => expect(batches.length).toBe(1))
    process.kill(pid(), 'SIGKILL')
    await vi.waitFor(async () => put('b'), { timeout: 4000, interval: 5 })
    release()
    await service.drained()
    expect(batches).toEqual([['a'], ['a'], ['b']])
  })
})
