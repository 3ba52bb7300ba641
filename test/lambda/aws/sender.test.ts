import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  ForbiddenException,
  GetConnectionCommand,
  GoneException,
  LimitExceededException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, it } from 'vitest'
import { POST_TIMEOUT_MS, managementClient, sender } from '../../../lambda/aws/sender.ts'
import { connectionId } from '../../../protocol/ids.ts'

const ID = connectionId('TXzPWdnOjoECGjA=')
const FRAME = '{"type":"pong"}'

const response = (httpStatusCode: number) => ({ message: 'UnknownError', $metadata: { httpStatusCode } })
const unmodelled = (httpStatusCode: number, name = 'Error') =>
  Object.assign(new Error('UnknownError'), { name, $metadata: { httpStatusCode } })
const lineTrouble = (name: string, code?: string) =>
  Object.assign(new Error('the line'), { name, $metadata: { attempts: 1 } }, code ? { code } : {})

const TRANSLATED = [
  ['GoneException', new GoneException(response(410)), 'gone'],
  ['a 410 without a name', unmodelled(410), 'gone'],
  ['LimitExceededException', new LimitExceededException(response(429)), 'busy'],
  ['a 429 by another name', unmodelled(429, 'TooManyRequestsException'), 'busy'],
  ['a 500', unmodelled(500, 'InternalServerError'), 'failed'],
  ['a 503', unmodelled(503), 'failed'],
  ['a timeout', lineTrouble('TimeoutError'), 'failed'],
  ['ECONNRESET', lineTrouble('Error', 'ECONNRESET'), 'failed'],
  ['a timeout that says ECONNRESET', lineTrouble('TimeoutError', 'ECONNRESET'), 'failed'],
] as const
const THROWN_ON = [
  ['ForbiddenException', new ForbiddenException(response(403))],
  ['PayloadTooLargeException', new PayloadTooLargeException(response(413))],
  ['missing credentials', lineTrouble('CredentialsProviderError')],
  ['a defect of ours', new TypeError('x is not a function')],
] as const

describe('sender', () => {
  const api = mockClient(ApiGatewayManagementApiClient)
  const line = sender(
    new ApiGatewayManagementApiClient({ region: 'eu-west-1', endpoint: 'http://localhost' }),
  )
  const calls = () => api.calls().map(({ args: [command] }) => [command.constructor.name, command.input])
  beforeEach(() => void api.reset())

  describe('send', () => {
    it('posts the frame once', async () => {
      api.on(PostToConnectionCommand).resolves({})
      expect(await line.send(ID, FRAME)).toBe('sent')
      expect(calls()).toEqual([['PostToConnectionCommand', { ConnectionId: ID, Data: FRAME }]])
    })

    it.each(TRANSLATED)('translates %s, with no second try', async (_, error, outcome) => {
      api.on(PostToConnectionCommand).rejects(error)
      expect(await line.send(ID, FRAME)).toBe(outcome)
      expect(calls()).toHaveLength(1)
    })

    it.each(THROWN_ON)('throws %s on', async (_, error) => {
      api.on(PostToConnectionCommand).rejects(error)
      await expect(line.send(ID, FRAME)).rejects.toBe(error)
    })
  })

  describe('inspect', () => {
    it('says since when the connection is open and when it was last active', async () => {
      const [ConnectedAt, LastActiveAt] = [new Date(1795425102000), new Date(1795425126000)]
      api.on(GetConnectionCommand).resolves({ ConnectedAt, LastActiveAt })
      expect(await line.inspect(ID)).toEqual({ connectedAt: 1795425102000, lastActiveAt: 1795425126000 })
      expect(calls()).toEqual([['GetConnectionCommand', { ConnectionId: ID }]])
    })

    it('does not know when the answer lacks a time', async () => {
      api.on(GetConnectionCommand).resolves({ ConnectedAt: new Date(1795425102000) })
      expect(await line.inspect(ID)).toBe('unknown')
    })

    it.each(TRANSLATED)(
      'tells a closed connection from one it knows nothing of: %s',
      async (_, error, outcome) => {
        api.on(GetConnectionCommand).rejects(error)
        expect(await line.inspect(ID)).toBe(outcome === 'gone' ? 'gone' : 'unknown')
      },
    )

    it.each(THROWN_ON)('throws %s on', async (_, error) => {
      api.on(GetConnectionCommand).rejects(error)
      await expect(line.inspect(ID)).rejects.toBe(error)
    })
  })

  describe('close', () => {
    it('deletes the connection', async () => {
      api.on(DeleteConnectionCommand).resolves({})
      expect(await line.close(ID)).toBe('closed')
      expect(calls()).toEqual([['DeleteConnectionCommand', { ConnectionId: ID }]])
    })

    it.each(TRANSLATED)('translates %s, which for a closed one is closed', async (_, error, outcome) => {
      api.on(DeleteConnectionCommand).rejects(error)
      expect(await line.close(ID)).toBe(outcome === 'gone' ? 'closed' : outcome)
      expect(calls()).toHaveLength(1)
    })

    it.each(THROWN_ON)('throws %s on', async (_, error) => {
      api.on(DeleteConnectionCommand).rejects(error)
      await expect(line.close(ID)).rejects.toBe(error)
    })
  })
})

describe('managementClient', () => {
  it('tries once: retries are the core’s', async () => {
    const client = managementClient('https://abc.execute-api.eu-west-1.amazonaws.com/dev')
    expect(await client.config.maxAttempts()).toBe(1)
    expect(POST_TIMEOUT_MS).toBe(3000)
  })
})
