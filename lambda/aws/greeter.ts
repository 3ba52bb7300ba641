import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { Greeter, Greeting } from '../core/ports.ts'

/**
 * A greeting that the function could not carry out, as Lambda tells it to the destination of failures:
 * `{"requestContext":{"condition":"RetriesExhausted",…},"requestPayload":{"connectionId":"TXzPWdnOjoECGjA=","channels":[]},…}`.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export interface FailedGreeting {
  readonly requestContext: { readonly condition: string }
  readonly requestPayload: Greeting
}

export const lambdaClient = () => new LambdaClient({})

/** Starts the `welcome` function asynchronously: nothing can be posted before the handshake is over. */
export function greeter(client: LambdaClient, functionName: string): Greeter {
  return {
    async greet(greeting) {
      const Payload = JSON.stringify(greeting)
      await client.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload }))
    },
  }
}
