// The same stacks twice, as Stages in one account and Region, with one name for both functions.
import { type App, Stack, Stage } from 'aws-cdk-lib'
import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda'
import { newApp } from './assembly.ts'

export function stages(outdir: string): App {
  const app = newApp(outdir)
  for (const name of ['Dev', 'Prod']) {
    const stack = new Stack(new Stage(app, name), 'Web')
    const fn = new Function(stack, 'Fn', {
      functionName: 'says-where',
      runtime: Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: Code.fromInline('exports.handler = async () => ({ statusCode: 200, body: process.env.STAGE })'),
      environment: { STAGE: name },
    })
    const api = new WebSocketApi(stack, 'Api')
    const integration = new WebSocketLambdaIntegration('Integration', fn)
    api.addRoute('where', { integration, returnResponse: true })
    new WebSocketStage(stack, 'Stage', { webSocketApi: api, stageName: 'live', autoDeploy: true })
  }
  return app
}
