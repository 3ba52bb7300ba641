import { type IncomingMessage, type ServerResponse, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../local/clock.ts'
import { silentLog } from '../../local/log.ts'
import { Services } from '../../local/services.ts'

const environment = { partition: 'aws', region: 'eu-west-1', accountId: '123456789012' }

async function start({ isRegionOpen = false } = {}) {
  const warnings: string[] = []
  const log = { ...silentLog, warn: (_source: string, text: string) => void warnings.push(text) }
  const answer = (name: string) => (_request: IncomingMessage, response: ServerResponse) => {
    response.end(name)
  }
  const services = new Services(
    {
      dynamodb: answer('dynamodb'),
      'streams.dynamodb': answer('streams.dynamodb'),
      events: answer('events'),
      lambda: answer('lambda'),
      sqs: answer('sqs'),
      ssm: answer('ssm'),
    },
    { environment, isRegionOpen, clock: systemClock, log },
  )
  const hosts = await services.listen()
  onTestFinished(() => services.close())
  const port = Object.values(hosts)[0]
  const ask = (host: string) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      request({ host: '127.0.0.1', port, headers: { host } }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode, body }), reject)
      })
        .on('error', reject)
        .end()
    })
  return { services, hosts, ask, warnings }
}

describe('the services', () => {
  it.each([
    ['dynamodb.eu-west-1.amazonaws.com', 'dynamodb'],
    ['123456789012.ddb.eu-west-1.amazonaws.com', 'dynamodb'],
    ['streams.dynamodb.eu-west-1.amazonaws.com:443', 'streams.dynamodb'],
    ['lambda.eu-west-1.amazonaws.com', 'lambda'],
    ['sqs.eu-west-1.amazonaws.com', 'sqs'],
    ['events.eu-west-1.amazonaws.com', 'events'],
    ['ssm.eu-west-1.amazonaws.com', 'ssm'],
  ])('send %s to %s', async (host, name) => {
    const { ask } = await start()
    expect(await ask(host)).toEqual({ status: 200, body: name })
  })

  it('refuse another host with 501 and say what is emulated', async () => {
    const { ask } = await start()
    const { status, body } = await ask('sqs.us-east-1.amazonaws.com')
    expect(status).toBe(501)
    expect(JSON.parse(body)).toEqual({
      __type: 'NotImplementedException',
      message:
        '"sqs.us-east-1.amazonaws.com" is not emulated by the local stack; ' +
        'dynamodb, streams.dynamodb, events, lambda, sqs, ssm and the APIs of the template are',
    })
  })

  it('answer for another Region where the app leaves its Region open, and warn once', async () => {
    const { ask, warnings } = await start({ isRegionOpen: true })
    expect(await ask('dynamodb.us-east-1.amazonaws.com')).toEqual({ status: 200, body: 'dynamodb' })
    expect(await ask('dynamodb.us-east-1.amazonaws.com')).toEqual({ status: 200, body: 'dynamodb' })
    expect(await ask('dynamodb.eu-west-1.amazonaws.com')).toEqual({ status: 200, body: 'dynamodb' })
    expect(warnings).toEqual([expect.stringContaining('a function calls "dynamodb.us-east-1.amazonaws.com"')])
  })

  it('close twice', async () => {
    const { services } = await start()
    await services.close()
    await expect(services.close()).resolves.toBeUndefined()
  })
})
