import { describe, expect, it } from 'vitest'
import { streamMappings } from '../../../local/dynamodb/mapping-definition.ts'
import { checkMappings } from '../../../local/lambda/mapping-definition.ts'
import { silentLog } from '../../../local/log.ts'
import { STREAM_ARN, functionArn, functionResource, mapping } from './fixture.ts'

const define = (over: Record<string, unknown>) =>
  streamMappings([mapping(over), functionResource('stream')])[0]

describe('an event source mapping of a stream', () => {
  it('has the defaults that Lambda has', () => {
    const [definition] = streamMappings([
      {
        ...mapping(),
        properties: { FunctionName: 'stream', EventSourceArn: STREAM_ARN, StartingPosition: 'LATEST' },
      },
    ])
    expect(definition).toMatchObject({
      batchSize: 100,
      batchingWindowMs: 0,
      startingPosition: 'LATEST',
      maximumRetryAttempts: undefined,
      maximumRecordAgeMs: undefined,
      bisectBatchOnFunctionError: false,
      reportBatchItemFailures: false,
      parallelizationFactor: 1,
      tumblingWindowMs: 0,
      onFailure: undefined,
    })
  })

  it('takes -1 for no limit of retries and age', () => {
    expect(define({ MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1 })).toMatchObject({
      maximumRetryAttempts: undefined,
      maximumRecordAgeMs: undefined,
    })
  })

  it.each([
    ['BatchSize', 0, 'from 1 to 10000'],
    ['BatchSize', 10_001, 'from 1 to 10000'],
    ['MaximumBatchingWindowInSeconds', 301, 'from 0 to 300'],
    ['MaximumRetryAttempts', 10_001, 'from 0 to 10000 or -1'],
    ['MaximumRecordAgeInSeconds', 59, 'from 60 to 604800 or -1'],
    ['ParallelizationFactor', 11, 'from 1 to 10'],
    ['TumblingWindowInSeconds', 901, 'from 0 to 900'],
    ['BatchSize', 'many', 'from 1 to 10000'],
  ])('refuses %s %j', (name, value, range) => {
    expect(() => define({ [name]: value })).toThrow(
      `S/Mapping: ${name} is ${JSON.stringify(value)}; expected an integer ${range}`,
    )
  })

  it.each([undefined, 'AT_TIMESTAMP'])('refuses the starting position %j', (position) => {
    expect(() => define({ StartingPosition: position })).toThrow(/takes TRIM_HORIZON or LATEST/)
  })

  it.each(['not JSON', '{"a":"x"}', '{"a":[{"like":"x"}]}', '[]'])(
    'refuses the filter pattern %j as Lambda does',
    (Pattern) => {
      expect(() => define({ FilterCriteria: { Filters: [{ Pattern }] } })).toThrow(
        /InvalidParameterValueException: Invalid filter pattern definition\./,
      )
    },
  )

  it.each([false, 'false'])('is nothing when it is disabled with %j', (Enabled) => {
    expect(define({ Enabled })).toBeUndefined()
  })

  it.each([
    ['stream', functionArn('stream')],
    [functionArn('stream'), functionArn('stream')],
    [`${functionArn('stream')}:live`, `${functionArn('stream')}:live`],
    ['stream:live', `${functionArn('stream')}:live`],
    ['123456789012:function:stream', functionArn('stream')],
    ['elsewhere', 'elsewhere'],
  ])('knows the function of "%s"', (FunctionName, arn) => {
    expect(define({ FunctionName })?.functionArn).toBe(arn)
  })

  it('is refused beside another of the same function and source, as Lambda words it', () => {
    const resources = [
      functionResource('stream'),
      mapping({}, 'First'),
      mapping({ FunctionName: functionArn('stream') }, 'Second'),
    ]
    expect(() => checkMappings(resources, silentLog)).toThrow(
      `S/Second: The event source arn (" ${STREAM_ARN} ") and function (" ${functionArn('stream')} ") provided mapping already exists. Please update or delete the existing mapping with UUID First`,
    )
    expect(() =>
      checkMappings([...resources.slice(0, 2), mapping({ FunctionName: 'stream:live' }, 'Other')], silentLog),
    ).not.toThrow()
  })

  it('is reported and skipped when its source is not emulated', () => {
    const lines: string[] = []
    const EventSourceArn = 'arn:aws:kinesis:eu-west-1:123456789012:stream/Clicks'
    const resources = [mapping({ EventSourceArn })]
    checkMappings(resources, { ...silentLog, warn: (_, text) => void lines.push(text) })
    expect(lines).toEqual([`S/Mapping reads "${EventSourceArn}", which is not emulated; it is skipped`])
    expect(streamMappings(resources)).toEqual([])
  })
})
