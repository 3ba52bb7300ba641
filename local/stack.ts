import { isDeepStrictEqual } from 'node:util'
import { Apis, type RunningApi, isWebSocketApi } from './api-gateway/apis.ts'
import { apiDefinitions } from './api-gateway/definitions.ts'
import { ACCOUNT_QUOTAS, type AccountQuotas, accountThrottles } from './api-gateway/account.ts'
import { HttpApi } from './api-gateway/http/api.ts'
import { OPEN } from './api-gateway/http/authorizers.ts'
import { IamAuthorizer } from './api-gateway/http/iam-authorizer.ts'
import { customDomains } from './api-gateway/websocket/custom-domain.ts'
import type { MayInvoke } from './api-gateway/may-invoke.ts'
import { UsagePlans } from './api-gateway/usage-plans.ts'
import { WebSocketApi } from './api-gateway/websocket/api.ts'
import type { LossNotice } from './api-gateway/websocket/loss-notice.ts'
import { type Clock, systemClock } from './clock.ts'
import { readAssembly } from './cloudformation/assembly.ts'
import { type Deployment, type DeploymentOptions, resolveAssembly } from './cloudformation/deployment.ts'
import { NOTHING_GIVEN } from './cloudformation/given-values.ts'
import { type Difference, difference } from './cloudformation/difference.ts'
import { DynamoDbService } from './dynamodb/service.ts'
import { troubledDynamoDb } from './dynamodb/troubled-front.ts'
import { scheduleDefinitions } from './events/definition.ts'
import { eventsEndpoint } from './events/endpoint.ts'
import { EventBuses } from './events/event-buses.ts'
import { Schedules } from './events/schedules.ts'
import { Targets } from './events/targets.ts'
import type { Faults } from './faults.ts'
import { gatewayServices } from './gateway-services.ts'
import { type HostTable, portOf } from './hosts.ts'
import { Iam } from './iam/iam.ts'
import { functionDefinitions } from './lambda/function-definition.ts'
import { invokeApi } from './lambda/invoke-api.ts'
import { checkMappings } from './lambda/mapping-definition.ts'
import type { FunctionOutput } from './lambda/output.ts'
import { LambdaService } from './lambda/service.ts'
import type { Latency } from './latency.ts'
import { type Log, silentLog } from './log.ts'
import { Services } from './services.ts'
import { queueDefinitions } from './sqs/definition.ts'
import { QueueEventSourceMappings } from './sqs/event-source-mappings.ts'
import { sqsEndpoint } from './sqs/endpoint.ts'
import { Queues } from './sqs/queues.ts'
import { ssmEndpoint } from './ssm/endpoint.ts'
import { ParameterStore } from './ssm/parameter-store.ts'

export interface StackOptions extends DeploymentOptions {
  /** Folder of the cloud assembly. */
  readonly assembly: string
  /** Port of the first API; each further one gets the next. @default 0, any free ones */
  readonly firstPort?: number
  /** Folder that keeps the tables from one start to the next. @default none: they begin empty */
  readonly data?: string
  readonly clock?: Clock
  readonly log?: Log
  /** Gets what functions say. @default nobody, the log has it too */
  readonly output?: (said: FunctionOutput) => void
  /** Whether signatures and permissions are checked. @default true */
  readonly iam?: boolean
  /** What the account may do. @default AWS's own */
  readonly quotas?: Partial<AccountQuotas>
  /** When WebSocket APIs notice that a line broke without a close frame. @default immediately */
  readonly lossNotice?: LossNotice
  /** Whether doubtful input to `@connections` gets an error where AWS's answer is not known. @default false */
  readonly isStrict?: boolean
  /** What is to go wrong. @default nothing */
  readonly faults?: Faults
  /** What is to take time. @default nothing: all is as quick as this machine */
  readonly latency?: Latency
  /** How long an invocation waits for a busy environment before another is started, in milliseconds of this machine. @default 5 */
  readonly patienceMs?: number
  /** Where an engine may be named. @default the process's own */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** What became of an update. */
export interface StackUpdate extends Difference {
  /** Why functions could not be changed and go on as they were, by name. */
  readonly failures: ReadonlyMap<string, string>
}

/** A cloud assembly that runs: AWS on this machine. */
export class RunningStack {
  readonly functions: LambdaService
  readonly queues: Queues
  readonly schedules: Schedules
  readonly dynamodb: DynamoDbService
  readonly #parts: StackParts
  #deployment: Deployment
  #closed: Promise<void> | undefined

  constructor(parts: StackParts) {
    this.functions = parts.functions
    this.queues = parts.queues
    this.schedules = parts.schedules
    this.dynamodb = parts.dynamodb
    this.#parts = parts
    this.#deployment = parts.deployment
  }

  get deployment(): Deployment {
    return this.#deployment
  }

  get apis(): readonly RunningApi[] {
    return this.#parts.apis.running
  }

  /**
   * Runs another synthesis of the app in the place of this one: what did not change goes on undisturbed, connections
   * stay open, tables keep their items and queues their messages.
   * @throws for an assembly that can't be run; when it can't be read or resolved, nothing has changed
   */
  async update(assembly: string): Promise<StackUpdate> {
    const deployment = readDeployment(assembly, this.#parts.options)
    const { resources, environment, definitions } = deployment
    if (!isDeepStrictEqual(environment, this.#deployment.environment))
      throw new Error('the account or the Region of the app has changed; restart to apply')
    const { apis, hosts, iam, parameters, buses, queueMappings, queues, functions, dynamodb, schedules } =
      this.#parts
    const changes = difference(this.#deployment.resources, resources)
    const all = [...changes.added, ...changes.removed, ...changes.changed]
    const concerns = (type: RegExp) => all.some((resource) => type.test(resource.type))
    iam?.update(resources)
    parameters.update(changes.added.concat(changes.changed))
    if (concerns(/^AWS::SQS::/)) queues.update(definitions.queues)
    const hostsBefore = hosts()
    if (concerns(/^AWS::ApiGateway(V2)?::/)) await apis.update(definitions.apis, definitions.domains)
    // The addresses of AWS are told to a function when it starts.
    const isMoved = !isDeepStrictEqual(hostsBefore, hosts())
    const failures = await functions.update(resources, definitions.functions, isMoved)
    if (concerns(/^AWS::(DynamoDB::|Lambda::EventSourceMapping)/))
      await dynamodb.update(resources, { functions, destinations: queues })
    if (concerns(/^AWS::(SQS::|Lambda::)/)) await queueMappings.update(resources)
    if (concerns(/^AWS::Events::/)) buses.update(resources)
    if (concerns(/^AWS::(Events::Rule|Scheduler::)/)) schedules.update(definitions.schedules)
    this.#deployment = deployment
    return { ...changes, failures }
  }

  /** Physical names of the resources of a type, by logical id. */
  namesOf(type: string): Record<string, string> {
    const found = this.deployment.resources.filter((resource) => resource.type === type)
    return Object.fromEntries(found.map(({ logicalId, physicalId }) => [logicalId, physicalId]))
  }

  /** The stack's outputs by key, with the addresses that they have here. */
  get outputs(): Record<string, string> {
    return Object.fromEntries(this.deployment.outputs.map(({ key, value }) => [key, this.toLocal(value)]))
  }

  /** Puts this machine's addresses in the place of AWS's, within longer text too. */
  toLocal(text: string): string {
    return text.replace(/\b(wss|https):\/\/([a-z0-9.-]+)/g, (url, scheme: string, host: string) => {
      const port = portOf(this.#parts.hosts(), host)
      return port === undefined ? url : `${scheme === 'wss' ? 'ws' : 'http'}://localhost:${port}`
    })
  }

  /**
   * Ends DynamoDB's engine as kill -9 does; resolves once it has been started again.
   * @throws for an engine that was not started here
   */
  async killEngine(): Promise<void> {
    const { engine } = this.dynamodb
    if (!engine.kill)
      throw new Error(`the engine at ${engine.endpoint} was not started here; kill it where it runs`)
    await engine.kill()
    await engine.ready()
  }

  /** Ends everything. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= closeAll(this.#parts.closers)
    return this.#closed
  }
}

interface StackParts extends Pick<
  RunningStack,
  'deployment' | 'functions' | 'queues' | 'schedules' | 'dynamodb'
> {
  readonly options: DeploymentOptions
  readonly iam: Iam | undefined
  readonly parameters: ParameterStore
  readonly buses: EventBuses
  readonly queueMappings: QueueEventSourceMappings
  readonly apis: Apis
  readonly hosts: () => HostTable
  readonly closers: (() => Promise<void> | void)[]
}

/** A deployment with all that is made of it: everything is read before anything is started or changed. */
function readDeployment(assembly: string, options: DeploymentOptions) {
  const resolved = resolveAssembly(readAssembly(assembly), options)
  const { resources, environment } = resolved
  const { definitions: apis, messages } = apiDefinitions(resolved)
  const domains = customDomains(resources, new Set(apis.filter(isWebSocketApi).map(({ apiId }) => apiId)))
  const ofDomains = domains.flatMap(({ logicalId, problems }) =>
    problems.map((text) => ({ level: 'warning', path: logicalId, text }) as const),
  )
  return {
    ...resolved,
    messages: [...resolved.messages, ...messages, ...ofDomains],
    definitions: {
      apis,
      domains,
      queues: queueDefinitions(resources),
      schedules: scheduleDefinitions(resources, environment),
      functions: functionDefinitions(resources, (bucket, key) => resolved.assetPath(bucket, key)),
    },
  }
}

async function closeAll(closers: (() => Promise<void> | void)[]): Promise<void> {
  for (const close of closers.toReversed()) await close()
}

/**
 * Runs a cloud assembly.
 * @throws for an assembly that can't be run, a port that is taken, an engine that is not there; nothing is left running
 */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const { assembly, given = NOTHING_GIVEN, firstPort = 0, data } = options
  const { clock = systemClock, log = silentLog, env = process.env, faults, latency } = options
  const deployment = readDeployment(assembly, options)
  const { resources, environment, isRegionOpen, definitions } = deployment
  const iam =
    options.iam === false
      ? undefined
      : // The gateway signs by the stack's clock, and so do functions that live by it; all others by this machine's.
        new Iam({ resources, environment, isRegionOpen, clock, signersClocks: [clock, systemClock], log })
  const closers: (() => Promise<void> | void)[] = []
  if (faults)
    closers.push(faults.watch(({ kind, subject }) => log.info('faults', `${kind} strikes ${subject}`)))
  try {
    checkMappings(resources, log)
    const dynamodb = await DynamoDbService.start({
      resources,
      environment,
      clock,
      log,
      env,
      iam,
      ...(data === undefined ? {} : { data }),
      faults,
      streamPollMs: latency?.streamPollMs,
    })
    closers.push(() => dynamodb.stop())
    const queues = new Queues(definitions.queues, { clock, log })
    closers.push(() => queues.close())
    let serviceHosts: HostTable = {}
    const hosts = (): HostTable => ({ ...serviceHosts, ...apis.hosts })
    const functions = new LambdaService({
      resources,
      environment,
      clock,
      log,
      assetPath: (bucket, key) => deployment.assetPath(bucket, key),
      hosts,
      destinations: {
        send: (arn, body, attributes) => queues.send(arn, body, attributes),
        publish: (bus, detailType, detail, about) =>
          buses.put({
            source: 'lambda',
            detailType,
            detail: JSON.stringify(detail),
            resources: about,
            bus,
          }),
      },
      ...(options.output && { output: options.output }),
      ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
      faults,
      latency,
    })
    closers.push(() => functions.close())
    const targets = new Targets({ functions, queues, log, mayInvoke: iam?.mayInvoke.bind(iam) })
    const buses = new EventBuses({ resources, environment, targets, clock, log })
    const sqs = sqsEndpoint(queues, { environment, log, iam })
    const parameters = new ParameterStore({ resources, given: given.ssm, environment, clock })
    const database = troubledDynamoDb(dynamodb, { clock, log, faults, latency })
    const services = new Services(
      {
        dynamodb: database,
        'streams.dynamodb': database,
        events: eventsEndpoint(buses, { environment, iam }),
        lambda: invokeApi({ functions, environment, iam }),
        sqs: (request, response) => void sqs(request, response),
        ssm: ssmEndpoint(parameters, { environment, iam }),
      },
      { environment, isRegionOpen, clock, log },
    )
    closers.push(() => services.close())
    serviceHosts = await services.listen()
    closers.push(() => dynamodb.stopConsuming())

    const mayInvoke: MayInvoke = (functionArn, sourceArn, credentialsArn) =>
      iam?.mayInvoke({ service: 'apigateway.amazonaws.com', sourceArn }, functionArn, credentialsArn) ?? true
    const deps = {
      functions,
      clock,
      log,
      environment,
      services: gatewayServices({ queues, buses, environment, iam }),
      hosts,
      ...accountThrottles({ ...ACCOUNT_QUOTAS, ...options.quotas }, clock),
      usagePlans: new UsagePlans(resources, clock),
    }
    const httpIam = iam ? new IamAuthorizer(iam) : OPEN
    const apis = new Apis({
      clock,
      firstPort,
      isRegionOpen,
      make: (definition) =>
        isWebSocketApi(definition)
          ? new WebSocketApi(definition, {
              ...deps,
              iam,
              mayInvoke,
              faults,
              postDelayMs: latency?.postMs,
              ...(options.lossNotice && { lossNotice: options.lossNotice }),
              ...(options.isStrict !== undefined && { isStrict: options.isStrict }),
            })
          : new HttpApi(definition, { ...deps, mayInvoke, iam: httpIam }),
    })
    closers.push(() => apis.close())
    await apis.update(definitions.apis, definitions.domains)
    const schedules = new Schedules(definitions.schedules, {
      targets,
      clock,
      environment,
    })
    closers.push(() => schedules.stop())
    await dynamodb.consume({ functions, destinations: queues })
    const queueMappings = new QueueEventSourceMappings(queues, { functions, environment, clock, log, iam })
    closers.push(() => queueMappings.stop())
    await queueMappings.update(resources)
    schedules.start()
    return new RunningStack({
      deployment,
      apis,
      functions,
      queues,
      schedules,
      dynamodb,
      iam,
      parameters,
      buses,
      queueMappings,
      options,
      hosts,
      closers,
    })
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}
