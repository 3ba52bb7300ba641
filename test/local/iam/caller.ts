// The code of every function of the stack that is tested: it calls AWS as the event says, and tells what came of it.
import { request } from 'node:https'
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { SignatureV4 } from '@smithy/signature-v4'
import { Sha256 } from './sha256.ts'

/** `{"call":"PutItem","input":{"TableName":"Tasks","Item":{"id":{"S":"1"}}}}`; anything else is answered with itself. */
interface Event {
  readonly call?: string
  readonly input?: unknown
  /** Of the management API. */
  readonly endpoint?: string
}

/** What the SDK raised, or `done`. */
export interface Outcome {
  readonly name: string
  readonly message?: string
  readonly status?: number
}

export async function handler(event: Event): Promise<unknown> {
  if (event.call === undefined) return { statusCode: 200, body: JSON.stringify(event) }
  try {
    await call(event)
    return { name: 'done' }
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
    return { name, message, status: $metadata?.httpStatusCode }
  }
}

function call({ call: name = '', input, endpoint = '' }: Event): Promise<unknown> {
  switch (name) {
    case 'GetItem':
      return new DynamoDBClient().send(new GetItemCommand(input as never))
    case 'PutItem':
      return new DynamoDBClient().send(new PutItemCommand(input as never))
    case 'TransactWriteItems':
      return new DynamoDBClient().send(new TransactWriteItemsCommand(input as never))
    case 'Invoke':
      return new LambdaClient().send(new InvokeCommand(input as never))
    case 'PostToConnection':
      return new ApiGatewayManagementApiClient({ endpoint }).send(new PostToConnectionCommand(input as never))
    case 'SendMessage':
      return post('sqs', 'AmazonSQS.SendMessage', input)
    case 'PutEvents':
      return post('events', 'AWSEvents.PutEvents', input)
    default:
      throw new Error(`unknown call "${name}"`)
  }
}

/** A call of a service whose client is no dependency here, signed as the SDK does; errors are named as it names them. */
async function post(service: string, target: string, input: unknown): Promise<void> {
  const { AWS_REGION: region = '', AWS_ACCESS_KEY_ID: accessKeyId = '' } = process.env
  const { AWS_SECRET_ACCESS_KEY: secretAccessKey = '', AWS_SESSION_TOKEN: sessionToken = '' } = process.env
  const credentials = { accessKeyId, secretAccessKey, sessionToken }
  const hostname = `${service}.${region}.amazonaws.com`
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256 })
  const body = JSON.stringify(input)
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: 'https:',
    hostname,
    path: '/',
    headers: { host: hostname, 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.0' },
    body,
  })
  const { status, text, code } = await new Promise<{ status?: number; text: string; code: unknown }>(
    (resolve, reject) => {
      const sent = request({ method: 'POST', hostname, path: '/', headers }, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () =>
          resolve({
            ...(response.statusCode === undefined ? {} : { status: response.statusCode }),
            text,
            code: response.headers['x-amzn-query-error'],
          }),
        )
      })
      sent.on('error', reject)
      sent.end(body)
    },
  )
  if (status === 200) return
  const { __type, message } = JSON.parse(text) as { __type: string; message: string }
  const name = typeof code === 'string' ? (code.split(';')[0] ?? '') : (__type.split('#').at(-1) ?? '')
  throw Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } })
}
