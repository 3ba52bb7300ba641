import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { describe, expect, it, onTestFinished } from 'vitest'
import { invokeApi } from '../../../local/lambda/invoke-api.ts'
import { environment, functionArn, makeFunction } from './fixture.ts'

async function start(code: string) {
  const made = makeFunction(code)
  const server = createServer(invokeApi({ functions: made.service, environment }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new LambdaClient({
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    maxAttempts: 1,
  })
  onTestFinished(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  return { ...made, client }
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
})
