// A WebSocket API in the company of what is not emulated: a REST API, a bucket, a topic, a state machine, a user pool, a
// custom resource, a Python function. One function is a bundle with SDK v3 in it.
import { join } from 'node:path'
import { type App, CfnOutput, CustomResource, Stack } from 'aws-cdk-lib'
import { LambdaIntegration, RestApi } from 'aws-cdk-lib/aws-apigateway'
import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { UserPool } from 'aws-cdk-lib/aws-cognito'
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda'
import { LogLevel, NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { DefinitionBody, Pass, StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { FUNCTIONS, newApp } from './assembly.ts'

export function beside(outdir: string): App {
  const app = newApp(outdir)
  const stack = new Stack(app, 'Beside')
  const bucket = new Bucket(stack, 'Files')
  const topic = new Topic(stack, 'News')
  const machine = new StateMachine(stack, 'Steps', {
    definitionBody: DefinitionBody.fromChainable(new Pass(stack, 'Pass')),
  })
  const users = new UserPool(stack, 'Users')
  const provider = new Function(stack, 'Provider', {
    runtime: Runtime.PYTHON_3_12,
    handler: 'index.handler',
    code: Code.fromInline('def handler(event, context): pass'),
  })
  const custom = new CustomResource(stack, 'Custom', { serviceToken: provider.functionArn })
  const python = new Function(stack, 'Python', {
    runtime: Runtime.PYTHON_3_12,
    handler: 'index.handler',
    code: Code.fromInline('def handler(event, context): pass'),
  })
  const reach = new NodejsFunction(stack, 'Reach', {
    runtime: Runtime.NODEJS_22_X,
    entry: join(FUNCTIONS, 'reach.ts'),
    depsLockFilePath: join(import.meta.dirname, '../../package-lock.json'),
    bundling: { externalModules: [], logLevel: LogLevel.ERROR },
    environment: {
      BUCKET: bucket.bucketName,
      TOPIC: topic.topicArn,
      MACHINE: machine.stateMachineArn,
      POOL: users.userPoolId,
      CUSTOM: custom.getAttString('Colour'),
    },
  })
  bucket.grantRead(reach)
  const rest = new RestApi(stack, 'Rest')
  rest.root.addMethod('GET', new LambdaIntegration(reach))
  const api = new WebSocketApi(stack, 'Api')
  api.addRoute('reach', {
    integration: new WebSocketLambdaIntegration('Reach', reach),
    returnResponse: true,
  })
  api.addRoute('python', {
    integration: new WebSocketLambdaIntegration('Python', python),
    returnResponse: true,
  })
  new WebSocketStage(stack, 'Stage', { webSocketApi: api, stageName: 'live', autoDeploy: true })
  new CfnOutput(stack, 'Website', { value: bucket.bucketWebsiteUrl })
  return app
}
