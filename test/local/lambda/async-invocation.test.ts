import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { functionArn, makeFunctions, resource } from './fixture.ts'

const QUEUE = 'arn:aws:sqs:eu-west-1:123456789012:dead'
const SUCCESS = 'arn:aws:sqs:eu-west-1:123456789012:done'

interface Given {
  readonly config?: Readonly<Record<string, unknown>>
  readonly properties?: Readonly<Record<string, unknown>>
}

const configuration = (config: Readonly<Record<string, unknown>>) =>
  resource('AWS::Lambda::EventInvokeConfig', 'Config', {
    FunctionName: 'Fn',
    Qualifier: '$LATEST',
    ...config,
  })

function make({ config, properties = {} }: Given = {}) {
  const clock = new ManualClock()
  const made = makeFunctions({
    clock,
    files: {
      'index.mjs': `let tries = 0
        export const handler = async ({ fails = 0, isHeld }, { awsRequestId }) => {
          if (isHeld) { console.log('held'); await new Promise((resolve) => setInterval(resolve, 2 ** 30)) }
          if (tries++ < fails) throw new Error('try ' + tries + ' of ' + awsRequestId)
          console.log('succeeded after', tries)
          return { tries }
        }
        export const told = async (record) => { console.log('told', JSON.stringify(record)) }`,
    },
    functions: { Fn: properties, Told: { Handler: 'index.told' } },
    more: config ? [configuration(config)] : [],
  })
  const ends = (count: number) =>
    made.found(() =>
      made.lines.filter(({ text }) => text.startsWith('REPORT')).length >= count ? true : undefined,
    )
  /** The next line that says so, once this many are there. */
  const waits = (count: number) =>
    made.found(() => made.lines.filter(({ text }) => text.includes('trying again in'))[count - 1])
  return { ...made, clock, ends, waits }
}

describe('an asynchronous invocation', () => {
  it('is tried again after one and two minutes with the same request id', async () => {
    const { service, clock, waits, lines, logged } = make()
    service.invokeAsync('Fn', { fails: 2 })
    expect((await waits(1)).text).toContain('trying again in 60 s')
    clock.advance(59_999)
    expect(lines.filter(({ text }) => text.startsWith('START'))).toHaveLength(1)
    clock.advance(1)
    expect((await waits(2)).text).toContain('trying again in 120 s')
    clock.advance(120_000)
    await logged('succeeded after 3')
    const ids = lines.filter(({ text }) => text.startsWith('START')).map(({ text }) => text.split(' ')[2])
    expect(ids).toHaveLength(3)
    expect(new Set(ids).size).toBe(1)
  })

  it('ends in the dead-letter queue as the event with RequestID, ErrorCode and ErrorMessage', async () => {
    const { service, clock, waits, delivered } = make({
      properties: { DeadLetterConfig: { TargetArn: QUEUE } },
    })
    service.invokeAsync('Fn', { fails: 9 })
    await waits(1)
    clock.advance(60_000)
    await waits(2)
    clock.advance(120_000)
    expect(await delivered()).toEqual({
      arn: QUEUE,
      body: { fails: 9 },
      attributes: {
        RequestID: expect.stringMatching(/^[-\da-f]{36}$/) as unknown,
        ErrorCode: '200',
        ErrorMessage: expect.stringContaining('try 3 of') as unknown,
      },
    })
  })

  it('is tried as often as MaximumRetryAttempts says, then told to the failure destination', async () => {
    const config = { MaximumRetryAttempts: 0, DestinationConfig: { OnFailure: { Destination: QUEUE } } }
    const { service, delivered } = make({ config })
    service.invokeAsync('Fn', { fails: 9 })
    expect(await delivered()).toEqual({
      arn: QUEUE,
      body: {
        version: '1.0',
        timestamp: '2026-11-23T09:00:00.000Z',
        requestContext: {
          requestId: expect.stringMatching(/^[-\da-f]{36}$/) as unknown,
          functionArn: `${functionArn('Fn')}:$LATEST`,
          condition: 'RetriesExhausted',
          approximateInvokeCount: 1,
        },
        requestPayload: { fails: 9 },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        responsePayload: expect.objectContaining({ errorType: 'Error' }) as unknown,
      },
    })
  })

  it('is told to the success destination with its reply', async () => {
    const { service, delivered } = make({
      config: { DestinationConfig: { OnSuccess: { Destination: SUCCESS } } },
    })
    service.invokeAsync('Fn', { fails: 0 })
    expect(await delivered()).toMatchObject({
      arn: SUCCESS,
      body: {
        requestContext: { condition: 'Success', approximateInvokeCount: 1 },
        responseContext: { statusCode: 200, executedVersion: '$LATEST' },
        responsePayload: { tries: 1 },
      },
    })
  })

  it('may have a function as its destination', async () => {
    const { service, logged } = make({
      config: { DestinationConfig: { OnSuccess: { Destination: functionArn('Told') } } },
    })
    service.invokeAsync('Fn', { fails: 0 })
    expect((await logged('told')).text).toContain('"condition":"Success"')
  })

  it.each([
    ['OnSuccess', 0, 'Success'],
    ['OnFailure', 1, 'Failure'],
  ])('is told to an event bus as an event of Lambda, %s', async (name, fails, outcome) => {
    const bus = 'arn:aws:events:eu-west-1:123456789012:event-bus/orders'
    const config = { MaximumRetryAttempts: 0, DestinationConfig: { [name]: { Destination: bus } } }
    const { service, delivered } = make({ config })
    service.invokeAsync('Fn', { fails })
    expect(await delivered()).toMatchObject({
      arn: bus,
      body: {
        detailType: `Lambda Function Invocation Result - ${outcome}`,
        detail: { version: '1.0', requestPayload: { fails } },
        resources: [`${functionArn('Fn')}:$LATEST`, bus],
      },
    })
  })

  it('ends where the configuration of an update says', async () => {
    const config = (Destination: string) => ({ DestinationConfig: { OnSuccess: { Destination } } })
    const { service, update, delivered } = make({ config: config(QUEUE) })
    await update({}, [configuration(config(SUCCESS))])
    service.invokeAsync('Fn', { fails: 0 })
    expect(await delivered()).toMatchObject({ arn: SUCCESS })
  })

  it('says that a destination of another service is not emulated', async () => {
    const topic = 'arn:aws:sns:eu-west-1:123456789012:topic'
    const { service, logged } = make({ config: { DestinationConfig: { OnSuccess: { Destination: topic } } } })
    service.invokeAsync('Fn', { fails: 0 })
    expect(await logged(`the destination "${topic}" is not emulated`)).toMatchObject({ level: 'error' })
  })

  it('is given up with EventAgeExceeded when it would wait beyond MaximumEventAgeInSeconds', async () => {
    const config = { MaximumEventAgeInSeconds: 90, DestinationConfig: { OnFailure: { Destination: QUEUE } } }
    const { service, clock, waits, delivered, ends, sent } = make({ config })
    service.invokeAsync('Fn', { fails: 9 })
    await waits(1)
    clock.advance(60_000)
    await ends(2)
    await new Promise(setImmediate) // the result passes from the environment to the invocation
    expect(sent).toEqual([])
    clock.advance(30_000)
    expect(await delivered()).toMatchObject({
      body: { requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 2 } },
    })
  })

  it('is given up at once with ZeroReservedConcurrency when nothing may run', async () => {
    const { service, delivered } = make({
      properties: { ReservedConcurrentExecutions: 0 },
      config: { DestinationConfig: { OnFailure: { Destination: QUEUE } } },
    })
    service.invokeAsync('Fn', {})
    const { body } = await delivered()
    expect(body).toMatchObject({
      requestContext: { condition: 'ZeroReservedConcurrency', approximateInvokeCount: 0 },
    })
    expect(body).not.toHaveProperty('responseContext')
  })

  it('that is throttled is tried again after 1 s, twice as long each time up to 5 min, without counting as a try', async () => {
    const { service, clock, waits, logged } = make({
      properties: { ReservedConcurrentExecutions: 1, Timeout: 900 },
    })
    const holding = service.invoke('Fn', { fails: 0, isHeld: true })
    await logged('held')
    service.invokeAsync('Fn', { fails: 0 })
    const seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    for (const [index, each] of seconds.entries()) {
      expect((await waits(index + 1)).text).toContain(`it is throttled; trying again in ${each} s`)
      clock.advance(each * 1000)
    }
    await service.close()
    await holding
  })
})
