import type { DynamoDBRecord } from 'aws-lambda'
import { describe, expect, it } from 'vitest'
import { lostRecords, parseTaskRecord } from '../../../lambda/aws/task-records.ts'
import { epochMillis } from '../../../protocol/ids.ts'

type Image = NonNullable<NonNullable<DynamoDBRecord['dynamodb']>['NewImage']>

const NOW = epochMillis(1795425127000)
const AT = '2026-11-23T09:12:06.514Z'
const TASK = { id: 't-7', title: 'Ship it', done: false, version: 1, createdAt: AT, updatedAt: AT }
const IMAGE: Image = {
  id: { S: 't-7' },
  title: { S: 'Ship it' },
  done: { BOOL: false },
  version: { N: '1' },
  createdAt: { S: AT },
  updatedAt: { S: AT },
}
const AFTER: Image = { ...IMAGE, done: { BOOL: true }, version: { N: '2' } }

const parse = (images: { readonly OldImage?: Image; readonly NewImage?: Image }, at?: number) =>
  parseTaskRecord(
    {
      dynamodb: {
        SequenceNumber: '42',
        ...(at === undefined ? {} : { ApproximateCreationDateTime: at }),
        ...images,
      },
    },
    NOW,
  )

describe('lostRecords', () => {
  it('reads what a mapping says of the records that it gave up', () => {
    const lost = {
      requestContext: { condition: 'RetryAttemptsExhausted' },
      DDBStreamBatchInfo: { batchSize: 1 },
    }
    expect(lostRecords(JSON.stringify(lost))).toEqual(lost)
  })

  it('takes a message of somebody else as it is', () => {
    expect(lostRecords('load anew')).toBe('load anew')
  })
})

describe('parseTaskRecord', () => {
  const changed = { ...TASK, done: true, version: 2 }
  it.each([
    ['INSERT', { NewImage: IMAGE }, undefined, TASK],
    ['MODIFY', { OldImage: IMAGE, NewImage: AFTER }, TASK, changed],
    ['REMOVE', { OldImage: AFTER }, changed, undefined],
  ])('reads %s', (_, images, before, after) => {
    const at = new Date(1795425126000).toISOString()
    expect(parse(images, 1795425126)).toEqual({
      ok: true,
      change: { sequenceNumber: '42', at, before, after },
    })
  })

  it('takes the present for a record without a time', () => {
    expect(parse({ NewImage: IMAGE })).toMatchObject({ change: { at: new Date(NOW).toISOString() } })
  })

  it.each<[string, { OldImage?: Image; NewImage?: Image }]>([
    ['it has neither an old nor a new image', {}],
    ['NewImage.title is {"N":"7"}; expected type S', { NewImage: { ...IMAGE, title: { N: '7' } } }],
    ['OldImage.done is {"S":"true"}; expected type BOOL', { OldImage: { ...IMAGE, done: { S: 'true' } } }],
    [
      'NewImage.version is 1.5; expected a whole number from 1',
      { NewImage: { ...IMAGE, version: { N: '1.5' } } },
    ],
    [
      'NewImage.version is 0; expected a whole number from 1',
      { NewImage: { ...IMAGE, version: { N: '0' } } },
    ],
  ])('can not read a record when %s', (reason, images) => {
    expect(parse(images)).toEqual({ ok: false, sequenceNumber: '42', reason })
  })
})
