// What an app may be told from outside and from its other parts: parameters, conditions, SSM parameters, secrets, exports
// of other apps, nested stacks. Two WebSocket APIs; one has only $default, the other no $connect and no $default.
import {
  type App,
  CfnCondition,
  CfnOutput,
  CfnParameter,
  CfnResource,
  Fn,
  NestedStack,
  SecretValue,
  Stack,
} from 'aws-cdk-lib'
import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import { FUNCTIONS, newApp } from './assembly.ts'

export function settings(outdir: string): App {
  const app = newApp(outdir)
  const stack = new Stack(app, 'Settings')
  const greeting = new CfnParameter(stack, 'Greeting', { default: 'hello' })
  const mode = new CfnParameter(stack, 'Mode') // without a default: given when it is started
  const isTest = new CfnCondition(stack, 'IsTest', {
    expression: Fn.conditionEquals(mode.valueAsString, 'test'),
  })
  const nested = new NestedStack(stack, 'Inner', { parameters: { Name: greeting.valueAsString } })
  const inner = new CfnParameter(nested, 'Name')
  const queue = new CfnResource(nested, 'Queue', {
    type: 'AWS::SQS::Queue',
    properties: { QueueName: `${inner.valueAsString}-queue` },
  })
  const secret = new CfnResource(stack, 'Secret', {
    type: 'AWS::SecretsManager::Secret',
    properties: { Name: 'login', SecretString: '{"password":"sesame"}' },
  })
  const colour = StringParameter.valueForStringParameter(stack, '/settings/colour')
  const answers = new Function(stack, 'Answers', {
    runtime: Runtime.NODEJS_22_X,
    handler: 'answers.handler',
    code: Code.fromAsset(FUNCTIONS),
    environment: {
      GREETING: greeting.valueAsString,
      COLOUR: colour,
      PASSWORD: SecretValue.secretsManager(secret.ref, { jsonField: 'password' }).unsafeUnwrap(),
      ONLY_IN_TEST: Fn.conditionIf(isTest.logicalId, 'yes', Fn.ref('AWS::NoValue')).toString(),
      OUTSIDE: Fn.importValue('another-app'),
      NESTED: queue.getAtt('QueueName').toString(),
      URL_PARAMETER: '/settings/url',
    },
  })
  const integration = () => new WebSocketLambdaIntegration('Integration', answers)
  const asking = new WebSocketApi(stack, 'Asking', {
    defaultRouteOptions: { integration: integration(), returnResponse: true },
  })
  const stage = new WebSocketStage(stack, 'AskingStage', {
    webSocketApi: asking,
    stageName: 'live',
    autoDeploy: true,
  })
  const keyed = new WebSocketApi(stack, 'Keyed', { routeSelectionExpression: '$request.body.do.what' })
  keyed.addRoute('ask', { integration: integration(), returnResponse: true })
  new WebSocketStage(stack, 'KeyedStage', { webSocketApi: keyed, stageName: 'live', autoDeploy: true })
  new StringParameter(stack, 'Url', {
    parameterName: '/settings/url',
    stringValue: stage.callbackUrl,
  }).grantRead(answers)
  const onlyInTest = new CfnOutput(stack, 'OnlyInTest', { value: 'yes' })
  onlyInTest.condition = isTest
  return app
}

/** The stack that makes what the other reads; the two do not know each other. */
export function withColour(app: App): App {
  new StringParameter(new Stack(app, 'Colours'), 'Colour', {
    parameterName: '/settings/colour',
    stringValue: 'red',
  })
  return app
}
