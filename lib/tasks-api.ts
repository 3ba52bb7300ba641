import { RemovalPolicy } from 'aws-cdk-lib'
import { CorsHttpMethod, HttpApi, HttpMethod, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { AttributeType, BillingMode, StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import type { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { ChannelLog } from './channel-log.ts'
import { HandlerFunction, type HandlerFunctionProps } from './handler-function.ts'

export interface TasksApiProps {
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number }
  readonly functionLogRetention: RetentionDays
  /** A page of tasks says at which offset it joins the channel's log. */
  readonly log: ChannelLog
  /** Where that log is, as functions are told. */
  readonly environment: HandlerFunctionProps['environment']
}

/** The Tasks table and the HTTP API in front of it. */
export class TasksApi extends Construct {
  readonly table: Table
  readonly #stage: HttpStage

  constructor(scope: Construct, id: string, props: TasksApiProps) {
    super(scope, id)
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    const tasks = new HandlerFunction(this, 'Tasks', {
      entry: 'lambda/tasks.ts',
      description: 'REST: create, list, read, change and delete tasks',
      logRetention: props.functionLogRetention,
      environment: { ...props.environment, tasksTable: this.table.tableName },
    })
    this.table.grant(
      tasks.function,
      'dynamodb:PutItem',
      'dynamodb:GetItem',
      'dynamodb:Scan',
      'dynamodb:DeleteItem',
    )

    props.log.grantAppend(tasks.function) // an empty log is begun, so that its offset stays

    const api = new HttpApi(this, 'Api', {
      description: 'Openline: tasks',
      createDefaultStage: false,
      corsPreflight: {
        allowOrigins: ['*'],
        allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST, CorsHttpMethod.PATCH, CorsHttpMethod.DELETE],
        allowHeaders: ['content-type', 'if-match'],
        exposeHeaders: ['etag', 'location', 'openline-offset'],
      },
    })
    const integration = new HttpLambdaIntegration('Tasks', tasks.function)
    api.addRoutes({ path: '/tasks', methods: [HttpMethod.GET, HttpMethod.POST], integration })
    api.addRoutes({
      path: '/tasks/{id}',
      methods: [HttpMethod.GET, HttpMethod.PATCH, HttpMethod.DELETE],
      integration,
    })
    this.#stage = new HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: props.throttle.ratePerSecond, burstLimit: props.throttle.burst },
    })
  }

  /** `https://{apiId}.execute-api.{region}.amazonaws.com`, without a slash at its end */
  get url(): string {
    return this.#stage.api.apiEndpoint
  }

  /** Looking one task up. */
  grantFind(grantee: IGrantable): void {
    this.table.grant(grantee, 'dynamodb:GetItem')
  }
}
