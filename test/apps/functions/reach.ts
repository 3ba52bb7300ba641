import { LambdaClient, InvokeCommand } from '@aws-sdk/client-lambda'

/** Tells its variables, and what a call to a service says that is not emulated. */
export async function handler() {
  const { BUCKET, TOPIC, MACHINE, POOL, CUSTOM, AWS_REGION } = process.env
  const endpoint = `https://s3.${AWS_REGION}.amazonaws.com`
  const call = new LambdaClient({ endpoint }).send(new InvokeCommand({ FunctionName: 'x' }))
  const said = await call.then(String, (error: unknown) => (error as Error).message)
  return { statusCode: 200, body: JSON.stringify({ BUCKET, TOPIC, MACHINE, POOL, CUSTOM, said }) }
}
