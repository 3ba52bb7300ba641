import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { describe, expect, it, onTestFinished } from 'vitest'
import { invokeApi } from '../../../local/lambda/invoke-api.ts'
import { environment, functionArn, makeFunction } from './fixture.ts'

async function start(code: string, properties: Readonly<Record<string, unknown>> = {}) {
  const made = makeFunction(code, properties)
  const server = createServer(invokeApi({ functions: made.service, environment }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new LambdaClient({
    region: 'eu-west-1',
    endpoint: url,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    maxAttempts: 1,
  })
  onTestFinished(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  return { ...made, client, url }
}

const Payload = JSON.stringify({ n: 1 })

describe('the Invoke API', () => {
  it.each(['Fn', functionArn('Fn'), `${functionArn('Fn')}:$LATEST`])(
    'invokes %s and gives its reply',
    async (FunctionName) => {
      const { client } = await start('export const handler = async (event) => event')
      const output = await client.send(new InvokeCommand({ FunctionName, Payload }))
      expect(output).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' })
      expect(output.FunctionError).toBeUndefined()
      expect(output.Payload?.transformToString()).toBe(Payload)
    },
  )

  it('gives 200 and FunctionError when the function throws', async () => {
    const { client } = await start(`export const handler = async () => { throw new Error('boom') }`)
    const output = await client.send(new InvokeCommand({ FunctionName: 'Fn', Payload }))
    expect(output).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' })
    expect(JSON.parse(output.Payload?.transformToString() ?? '')).toMatchObject({ errorMessage: 'boom' })
  })

  it('accepts an event with 202 and runs the function', async () => {
    const { client, logged } = await start(
      `export const handler = async (event) => { console.log('ran', JSON.stringify(event)) }`,
    )
    const command = new InvokeCommand({ FunctionName: 'Fn', InvocationType: 'Event', Payload })
    expect(await client.send(command)).toMatchObject({ StatusCode: 202 })
    expect((await logged('ran')).text).toContain(Payload)
  })

  it.each(['RequestResponse', 'Event'] as const)(
    'refuses an unknown function with 404, as %s',
    async (InvocationType) => {
      const { client } = await start('export const handler = async () => 1')
      const command = new InvokeCommand({ FunctionName: 'Nobody', InvocationType, Payload })
      await expect(client.send(command)).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
        $metadata: { httpStatusCode: 404 },
      })
    },
  )

  it('gives the end of the log with LogType Tail, and the client context to the function', async () => {
    const { client } = await start(
      `export const handler = async (_event, { clientContext }) => { console.log('said'); return clientContext }`,
    )
    const ClientContext = Buffer.from('{"custom":{"a":"b"}}').toString('base64')
    const output = await client.send(
      new InvokeCommand({ FunctionName: 'Fn', LogType: 'Tail', ClientContext }),
    )
    expect(Buffer.from(output.LogResult ?? '', 'base64').toString()).toMatch(/^START .*said.*REPORT /s)
    expect(output.Payload?.transformToString()).toBe('{"custom":{"a":"b"}}')
  })

  it('answers DryRun with 204 and runs nothing', async () => {
    const { client, lines } = await start('export const handler = async () => 1')
    const command = new InvokeCommand({ FunctionName: 'Fn', InvocationType: 'DryRun' })
    expect(await client.send(command)).toMatchObject({ StatusCode: 204 })
    expect(lines).toEqual([])
  })

  it.each(['RequestResponse', 'Event', 'DryRun'] as const)(
    'refuses a qualifier that is not there with 404, as %s',
    async (InvocationType) => {
      const { client } = await start('export const handler = async () => 1')
      const command = new InvokeCommand({ FunctionName: 'Fn', Qualifier: 'nope', InvocationType })
      await expect(client.send(command)).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
        message: `Function not found: ${functionArn('Fn')}:nope`,
      })
    },
  )

  it('refuses with 429 when the reserved concurrency is used up', async () => {
    const { client } = await start('export const handler = async () => 1', {
      ReservedConcurrentExecutions: 0,
    })
    await expect(client.send(new InvokeCommand({ FunctionName: 'Fn' }))).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      message: 'Rate Exceeded.',
      Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
      $metadata: { httpStatusCode: 429 },
    })
  })

  it.each([
    ['RequestResponse', 6 * 1024 * 1024],
    ['Event', 1024 * 1024],
  ] as const)('refuses an event of %s over %i bytes with 413', async (InvocationType, limit) => {
    const { client } = await start('export const handler = async () => 1')
    const send = (size: number) =>
      client.send(
        new InvokeCommand({
          FunctionName: 'Fn',
          InvocationType,
          Payload: JSON.stringify('x'.repeat(size - 2)),
        }),
      )
    await expect(send(limit)).resolves.toMatchObject({})
    await expect(send(limit + 1)).rejects.toMatchObject({
      name: 'RequestTooLargeException',
      $metadata: { httpStatusCode: 413 },
    })
  })

  it('refuses what is no JSON with 400', async () => {
    const { client } = await start('export const handler = async () => 1')
    await expect(client.send(new InvokeCommand({ FunctionName: 'Fn', Payload: '{' }))).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
    })
  })

  it('takes the old InvokeAsync', async () => {
    const { url, logged } = await start(
      `export const handler = async (event) => { console.log('ran', JSON.stringify(event)) }`,
    )
    const response = await fetch(`${url}/2014-11-13/functions/Fn/invoke-async/`, {
      method: 'POST',
      body: Payload,
    })
    expect(response.status).toBe(202)
    await logged(`ran ${Payload}`)
  })
})
