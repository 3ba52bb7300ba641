import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { Greeter } from '../core/ports.ts'

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
