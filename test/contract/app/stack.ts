import { join } from 'node:path'
import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import {
  CfnIntegration,
  CfnIntegrationResponse,
  CfnModel,
  CfnRoute,
  CfnRouteResponse,
  HttpApi,
  WebSocketApi,
  WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers'
import { HttpLambdaIntegration, WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb'
import { CfnPermission, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'

export const STAGE = 'contract'
const FUNCTIONS = join(import.meta.dirname, 'functions')
/** Shorter than any answer that the probe is told to sleep over. */
const HASTY = Duration.millis(500)

/** Addresses of the APIs as clients use them; the `urls` action answers with them. */
export interface Urls {
  /** Every route that a message can take. */
  readonly probe: string
  /** A route selection expression of two parts; neither `$connect` nor `$default`. */
  readonly composed: string
  /** An authorizer on `$connect`. */
  readonly guarded: string
  /** A `$connect` integration that does not wait. */
  readonly hasty: string
  readonly http: string
}

/**
 * APIs that show one behaviour each, and a function behind all of them that does what it is told and writes down what
 * it was given.
 */
export class ContractStack extends Stack {
  readonly #probe: LambdaFunction

  constructor(scope: Construct, id: string) {
    super(scope, id)
    const observations = new Table(this, 'Observations', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expiresAt',
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const environment = { OBSERVATIONS: observations.tableName }
    this.#probe = this.#function('Probe', 'probe', environment)
    observations.grantReadWriteData(this.#probe)
    const authorizer = this.#function('Authorizer', 'authorizer', environment)
    observations.grantWriteData(authorizer)

    const probe = this.#probeApi()
    const urls: Urls = {
      probe: probe.url,
      composed: this.#composedApi(),
      guarded: this.#guardedApi(authorizer),
      hasty: this.#hastyApi(),
      http: this.#httpApi(),
    }
    probe.grantManagementApiAccess(this.#probe)
    this.#probe.addEnvironment('CALLBACK_URL', probe.callbackUrl)
    this.#probe.addEnvironment('URLS', this.toJsonString(urls))
    new CfnOutput(this, 'Url', { value: urls.probe, description: 'for OPENLINE_CONTRACT_URL' })
  }

  #function(id: string, file: string, environment: Record<string, string>): LambdaFunction {
    return new LambdaFunction(this, id, {
      runtime: Runtime.NODEJS_24_X,
      code: Code.fromAsset(FUNCTIONS),
      handler: `${file}.handler`,
      timeout: Duration.seconds(10),
      memorySize: 512,
      environment,
    })
  }

  #probeApi(): WebSocketStage {
    const api = this.#webSocketApi('ProbeApi', '$request.body.action')
    for (const key of ['$connect', '$disconnect', '$default', '1', 'true', '[a, b]'])
      api.addRoute(key, { integration: this.#integration() })
    for (const key of ['answer', 'observed', 'urls'])
      api.addRoute(key, { integration: this.#integration(), returnResponse: true })
    const { apiId } = api

    const mock = this.#cfnIntegration('Mock', apiId, {
      integrationType: 'MOCK',
      templateSelectionExpression: '200',
      requestTemplates: { '200': '{"statusCode":200}' },
    })
    new CfnIntegrationResponse(this, 'MockResponse', {
      apiId,
      integrationId: mock,
      integrationResponseKey: '/200/',
      templateSelectionExpression: '200',
      responseTemplates: {
        '200': '{"id":"$context.connectionId","route":"$context.routeKey","stage":"$context.stage"}',
      },
    })
    this.#cfnRoute('mock', apiId, mock)

    const model = new CfnModel(this, 'Model', {
      apiId,
      name: 'Named',
      contentType: 'application/json',
      schema: {
        $schema: 'http://json-schema.org/draft-04/schema#',
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string' } },
      },
    })
    this.#cfnRoute('modelled', apiId, this.#cfnIntegration('Modelled', apiId, this.#proxy()), {
      modelSelectionExpression: 'named',
      requestModels: { named: 'Named' },
    }).addResourceDependency(model)

    this.#cfnRoute('hasty', apiId, this.#cfnIntegration('Hasty', apiId, this.#proxy(HASTY)))
    // Everything but the permission to invoke it.
    const unreachable = this.#function('Unreachable', 'probe', {})
    this.#cfnRoute(
      'unreachable',
      apiId,
      this.#cfnIntegration('NotAllowed', apiId, this.#proxy(undefined, unreachable)),
    )
    return this.#stage(api, 'Probe')
  }

  #composedApi(): string {
    const api = this.#webSocketApi('ComposedApi', '${request.body.service}/${request.body.action}')
    for (const key of ['chat/say', 'chat/'])
      api.addRoute(key, { integration: this.#integration(), returnResponse: true })
    return this.#stage(api, 'Composed').url
  }

  #guardedApi(authorizer: LambdaFunction): string {
    const api = this.#webSocketApi('GuardedApi', '$request.body.action')
    api.addRoute('$connect', {
      integration: this.#integration(),
      authorizer: new WebSocketLambdaAuthorizer('Guard', authorizer, {
        identitySource: ['route.request.querystring.token'],
      }),
    })
    api.addRoute('answer', { integration: this.#integration(), returnResponse: true })
    return this.#stage(api, 'Guarded').url
  }

  #hastyApi(): string {
    const api = this.#webSocketApi('HastyApi', '$request.body.action')
    this.#cfnRoute(
      '$connect',
      api.apiId,
      this.#cfnIntegration('HastyConnect', api.apiId, this.#proxy(HASTY)),
      {},
      'one-way',
    )
    return this.#stage(api, 'Hasty').url
  }

  #httpApi(): string {
    const api = new HttpApi(this, 'HttpApi')
    api.addRoutes({ path: '/probe/{name}', integration: new HttpLambdaIntegration('Http', this.#probe) })
    return api.apiEndpoint
  }

  #webSocketApi(id: string, routeSelectionExpression: string): WebSocketApi {
    const api = new WebSocketApi(this, id, { routeSelectionExpression })
    new CfnPermission(this, `${id}Permission`, {
      action: 'lambda:InvokeFunction',
      functionName: this.#probe.functionArn,
      principal: 'apigateway.amazonaws.com',
      sourceArn: api.arnForExecuteApiV2('*', '*'),
    })
    return api
  }

  #integration = () => new WebSocketLambdaIntegration('Integration', this.#probe)

  #stage = (webSocketApi: WebSocketApi, name: string) =>
    new WebSocketStage(this, `${name}Stage`, { webSocketApi, stageName: STAGE, autoDeploy: true })

  /** Properties of an AWS_PROXY integration, for what CDK's own classes do not let one say. */
  #proxy(timeout?: Duration, target = this.#probe) {
    return {
      integrationType: 'AWS_PROXY',
      integrationUri: `arn:${this.partition}:apigateway:${this.region}:lambda:path/2015-03-31/functions/${target.functionArn}/invocations`,
      ...(timeout ? { timeoutInMillis: timeout.toMilliseconds() } : {}),
    }
  }

  #cfnIntegration(
    id: string,
    apiId: string,
    properties: Omit<ConstructorParameters<typeof CfnIntegration>[2], 'apiId'>,
  ): string {
    return new CfnIntegration(this, `${id}Integration`, { apiId, ...properties }).ref
  }

  #cfnRoute(
    routeKey: string,
    apiId: string,
    integrationId: string,
    properties: Partial<ConstructorParameters<typeof CfnRoute>[2]> = {},
    ways: 'one-way' | 'two-way' = 'two-way',
  ): CfnRoute {
    const id = routeKey.replace(/\W/g, '')
    const route = new CfnRoute(this, `${id}Route`, {
      apiId,
      routeKey,
      target: `integrations/${integrationId}`,
      ...(ways === 'two-way' ? { routeResponseSelectionExpression: '$default' } : {}),
      ...properties,
    })
    if (ways === 'two-way')
      new CfnRouteResponse(this, `${id}RouteResponse`, {
        apiId,
        routeId: route.ref,
        routeResponseKey: '$default',
      })
    return route
  }
}
