import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../../local/clock.ts'
import { silentLog } from '../../../../local/log.ts'
import { Services } from '../../../../local/services.ts'
import { environment, makeFunction } from '../fixture.ts'

const IMPORTS = `import { createRequire } from 'node:module'
  const require = createRequire(${JSON.stringify(import.meta.url)})
  const said = async (work) => {
    try { return await work() } catch (error) { return String(error) + ' / ' + String(error.cause) }
  }`

const SDK = `const { LambdaClient, InvokeCommand } = require('@aws-sdk/client-lambda')
  const client = new LambdaClient({})
  export const handler = () => said(async () => {
    const { Payload } = await client.send(new InvokeCommand({ FunctionName: 'F' }))
    return Payload.transformToString()
  })`
const UNDICI = `const { request } = require('undici')
  export const handler = ({ url }) => said(async () => (await request(url)).body.text())`
const FETCH = `export const handler = ({ url }) => said(async () => (await fetch(url)).text())`

const HTTP = `import http from 'node:http'
  export const handler = ({ url }) => said(() => new Promise((resolve, reject) => {
    http.get(url, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text))
    }).on('error', reject)
  }))`
const SOCKET = `import net from 'node:net'
  export const handler = ({ url }) => said(() => new Promise((resolve, reject) => {
    const { hostname } = new URL(url)
    const socket = net.connect(80, hostname, () => {
      socket.write('GET / HTTP/1.1\\r\\nhost: ' + hostname + '\\r\\nconnection: close\\r\\n\\r\\n')
    })
    let text = ''
    socket.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text)).on('error', reject)
  }))`

async function start(code: string) {
  const answer = (name: string) => (request: IncomingMessage, response: ServerResponse) => {
    response.end(`${name} ${request.headers.host ?? ''}`)
  }
  const services = new Services(
    {
      dynamodb: answer('dynamodb'),
      'streams.dynamodb': answer('streams'),
      events: answer('events'),
      lambda: answer('lambda'),
      sqs: answer('sqs'),
      ssm: answer('ssm'),
    },
    { environment, isRegionOpen: false, clock: systemClock, log: silentLog },
  )
  const hosts = await services.listen()
  onTestFinished(() => services.close())
  return makeFunction(IMPORTS + '\n' + code, {}, { hosts: () => hosts })
}

describe('a connection to AWS', () => {
  it.each([
    ['SDK v3', SDK],
    ['undici', UNDICI],
    ['fetch', FETCH],
  ])('from %s ends at the service that is served here', async (_name, code) => {
    const { call } = await start(code)
    const url = 'https://lambda.eu-west-1.amazonaws.com/'
    const reply = 'lambda lambda.eu-west-1.amazonaws.com'
    expect(await call('Fn', { url })).toEqual({ reply })
    expect(await call('Fn', { url })).toEqual({ reply })
  })

  it.each([
    ['undici', UNDICI],
    ['fetch', FETCH],
  ])('from %s to a host that is not emulated fails at once and says so', async (_name, code) => {
    const { call } = await start(code)
    const { reply } = await call('Fn', { url: 'https://kms.eu-west-1.amazonaws.com/' })
    expect(reply).toContain('"kms.eu-west-1.amazonaws.com" is not emulated by the local stack')
    expect(reply).toContain('lambda.eu-west-1.amazonaws.com')
  })

  it.each([
    ['https://lambda.eu-west-1.api.aws/', 'lambda'],
    ['https://lambda-fips.eu-west-1.amazonaws.com/', 'lambda'],
    ['https://eu-west-1.queue.amazonaws.com/', 'sqs'],
    ['https://123456789012.ddb.eu-west-1.amazonaws.com/', 'dynamodb'],
    ['https://dynamodb.eu-west-1.api.aws/', 'dynamodb'],
  ])('to %s ends at %s', async (url, service) => {
    const { call } = await start(FETCH)
    expect((await call('Fn', { url })).reply).toMatch(new RegExp(`^${service} `))
  })

  it.each([
    ['http', HTTP],
    ['undici', UNDICI],
    ['fetch', FETCH],
    ['a bare socket', SOCKET],
  ])('from %s without TLS ends there too, or fails and says so', async (_name, code) => {
    const { call } = await start(code)
    const known = { url: 'http://lambda.eu-west-1.amazonaws.com/' }
    expect((await call('Fn', known)).reply).toContain('lambda lambda.eu-west-1.amazonaws.com')
    const unknown = { url: 'http://kms.eu-west-1.amazonaws.com/' }
    expect((await call('Fn', unknown)).reply).toContain('"kms.eu-west-1.amazonaws.com" is not emulated')
  })
})
