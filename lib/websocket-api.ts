import { Stack } from 'aws-cdk-lib'
import {
  CfnIntegration,
  CfnIntegrationResponse,
  CfnRoute,
  CfnRouteResponse,
  WebSocketApi as Api,
  WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'

export interface WebSocketApiProps {
  readonly stageName: string
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number }
}

export interface Routes {
  readonly connect: IFunction
  readonly default: IFunction
  readonly disconnect: IFunction
}

type ManagementMethod = 'POST' | 'GET' | 'DELETE'

/** The WebSocket API, its one stage, and a `ping` route that no function answers. */
export class WebSocketApi extends Construct {
  readonly #api: Api
  readonly #stage: WebSocketStage

  constructor(scope: Construct, id: string, props: WebSocketApiProps) {
    super(scope, id)
    this.#api = new Api(this, 'Api', { description: 'Openline: keeps the line open' })
    this.#stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.#api,
      stageName: props.stageName,
      autoDeploy: true,
      // Both, always: a stage with route settings that lack them answers 429 to everything.
      throttle: { rateLimit: props.throttle.ratePerSecond, burstLimit: props.throttle.burst },
    })
    this.addPing()
  }

  /** `wss://{apiId}.execute-api.{region}.amazonaws.com/{stage}` */
  get url(): string {
    return this.#stage.url
  }

  /** Base of the management API: `https://{apiId}.execute-api.{region}.amazonaws.com/{stage}` */
  get callbackUrl(): string {
    return this.#stage.callbackUrl
  }

  /** Sends the API's routes to their functions. The place for an authorizer is `$connect`. */
  addRoutes(routes: Routes): void {
    this.#api.addRoute('$connect', { integration: new WebSocketLambdaIntegration('Connect', routes.connect) })
    this.#api.addRoute('$disconnect', {
      integration: new WebSocketLambdaIntegration('Disconnect', routes.disconnect),
    })
    this.#api.addRoute('$default', {
      integration: new WebSocketLambdaIntegration('Message', routes.default),
      returnResponse: true, // one frame to the sender needs no post
    })
  }

  /** Lets a function use some of the management API on this stage's connections. */
  grantManageConnections(grantee: IGrantable, ...methods: ManagementMethod[]): void {
    const { apiId } = this.#api
    const resourceArns = methods.map((method) =>
      Stack.of(this).formatArn({
        service: 'execute-api',
        resource: apiId,
        resourceName: `${this.#stage.stageName}/${method}/@connections/*`,
      }),
    )
    Grant.addToPrincipal({ grantee, actions: ['execute-api:ManageConnections'], resourceArns })
  }

  /** `{"action":"ping"}` is answered by the gateway itself. CDK's own classes have no integration response yet. */
  private addPing(): void {
    const { apiId } = this.#api
    const key = '200'
    const integration = new CfnIntegration(this, 'PingIntegration', {
      apiId,
      integrationType: 'MOCK',
      templateSelectionExpression: key,
      requestTemplates: { [key]: '{"statusCode":200}' },
    })
    new CfnIntegrationResponse(this, 'PingIntegrationResponse', {
      apiId,
      integrationId: integration.ref,
      integrationResponseKey: '/200/',
      templateSelectionExpression: key,
      responseTemplates: { [key]: PONG_TEMPLATE },
    })
    const route = new CfnRoute(this, 'PingRoute', {
      apiId,
      routeKey: 'ping',
      routeResponseSelectionExpression: '$default',
      target: `integrations/${integration.ref}`,
    })
    new CfnRouteResponse(this, 'PingRouteResponse', {
      apiId,
      routeId: route.ref,
      routeResponseKey: '$default',
    })
  }
}

/** Whether a response template sees the ping's id is not documented, so the pong carries none. */
const PONG_TEMPLATE = '{"type":"pong"}'
