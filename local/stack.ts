import { apiDefinitions } from './api-gateway/definitions.ts'
import { ACCOUNT_QUOTAS, type AccountQuotas, accountThrottles } from './api-gateway/account.ts'
import { HttpApi } from './api-gateway/http/api.ts'
import type { ServiceCaller } from './api-gateway/http/service-integration.ts'
import { OPEN } from './api-gateway/http/authorizers.ts'
import { IamAuthorizer } from './api-gateway/http/iam-authorizer.ts'
import { UsagePlans } from './api-gateway/usage-plans.ts'
import { WebSocketApi } from './api-gateway/websocket/api.ts'
import { type Clock, systemClock } from './clock.ts'
import { readAssembly } from './cloudformation/assembly.ts'
import { type Deployment, type DeploymentOptions, resolveAssembly } from './cloudformation/deployment.ts'
import { NOTHING_GIVEN } from './cloudformation/given-values.ts'
import { DynamoDbService } from './dynamodb/service.ts'
import { scheduleDefinitions } from './events/definition.ts'
import { eventsEndpoint } from './events/endpoint.ts'
import { EventBuses } from './events/event-buses.ts'
import { Schedules } from './events/schedules.ts'
import { Targets } from './events/targets.ts'
import { type HostTable, inAnyRegion, portOf } from './hosts.ts'
import { Iam } from './iam/iam.ts'
import { invokeApi } from './lambda/invoke-api.ts'
import { checkMappings } from './lambda/mapping-definition.ts'
import type { FunctionOutput } from './lambda/output.ts'
import { LambdaService } from './lambda/service.ts'
import { type Log, silentLog } from './log.ts'
import { Services } from './services.ts'
import { callSqs } from './sqs/call.ts'
import { queueDefinitions } from './sqs/definition.ts'
import { QueueEventSourceMapping } from './sqs/event-source-mapping.ts'
import { queueMappings } from './sqs/mapping-definition.ts'
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
  /** Where an engine may be named. @default the process's own */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** An API that runs. */
export interface RunningApi {
  readonly logicalId: string
  readonly protocol: 'WEBSOCKET' | 'HTTP'
  readonly stage: string
  /** `ws://localhost:4501/dev`, `http://localhost:4502` */
  readonly url: string
  /** Base of the management API, for WebSocket APIs. */
  readonly callbackUrl?: string
}

/** A port that somebody else listens on. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
  readonly port: number
  constructor(port: number, what: string, cause: unknown) {
    super(`port ${port} is taken (${what}); choose another first port with --port`, { cause })
    this.port = port
  }
}

type Api = WebSocketApi | HttpApi

/** A cloud assembly that runs: AWS on this machine. */
export class RunningStack {
  readonly deployment: Deployment
  readonly apis: readonly RunningApi[]
  readonly functions: LambdaService
  readonly queues: Queues
  readonly schedules: Schedules
  readonly dynamodb: DynamoDbService
  readonly #closers: (() => Promise<void> | void)[]
  readonly #hosts: HostTable
  #closed: Promise<void> | undefined

  constructor(
    parts: Pick<RunningStack, 'deployment' | 'apis' | 'functions' | 'queues' | 'schedules' | 'dynamodb'>,
    hosts: HostTable,
    closers: (() => Promise<void> | void)[],
  ) {
    this.deployment = parts.deployment
    this.apis = parts.apis
    this.functions = parts.functions
    this.queues = parts.queues
    this.schedules = parts.schedules
    this.dynamodb = parts.dynamodb
    this.#hosts = hosts
    this.#closers = closers
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
      const port = portOf(this.#hosts, host)
      return port === undefined ? url : `${scheme === 'wss' ? 'ws' : 'http'}://localhost:${port}`
    })
  }

  /** Ends everything. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= closeAll(this.#closers)
    return this.#closed
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
  const { clock = systemClock, log = silentLog, env = process.env } = options
  const resolved = resolveAssembly(readAssembly(assembly), options)
  const { resources, environment, isRegionOpen } = resolved
  const { definitions, messages } = apiDefinitions(resolved)
  const deployment = { ...resolved, messages: [...resolved.messages, ...messages] }
  const iam =
    options.iam === false ? undefined : new Iam({ resources, environment, isRegionOpen, clock, log })
  const closers: (() => Promise<void> | void)[] = []
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
    })
    closers.push(() => dynamodb.stop())
    const queues = new Queues(queueDefinitions(resources), { clock, log })
    closers.push(() => queues.close())
    let hosts: HostTable = {}
    const functions = new LambdaService({
      resources,
      environment,
      clock,
      log,
      assetPath: (bucket, key) => deployment.assetPath(bucket, key),
      hosts: () => hosts,
      destinations: queues,
      ...(options.output && { output: options.output }),
    })
    closers.push(() => functions.close())
    const targets = new Targets({ functions, queues, log })
    const buses = new EventBuses({ resources, environment, targets, clock, log })
    const sqs = sqsEndpoint(queues, { environment, log, iam })
    const callServices: ServiceCaller = (service, operation, input) =>
      service === 'SQS'
        ? callSqs(queues, environment.accountId, operation, input)
        : Promise.reject(new Error(`"${service}" is not emulated`))
    const services = new Services(
      {
        dynamodb: dynamodb.front.handle,
        'streams.dynamodb': dynamodb.front.handle,
        events: eventsEndpoint(buses, { environment, iam }),
        lambda: invokeApi({ functions, environment, iam }),
        sqs: (request, response) => void sqs(request, response),
        ssm: ssmEndpoint(new ParameterStore({ resources, given: given.ssm, environment, clock }), {
          environment,
          iam,
        }),
      },
      { environment, isRegionOpen, log },
    )
    closers.push(() => services.close())
    hosts = await services.listen()
    closers.push(() => dynamodb.stopConsuming())

    const mayInvoke = (functionArn: string, sourceArn: string, credentialsArn?: string) =>
      iam?.mayInvoke({ service: 'apigateway.amazonaws.com', sourceArn }, functionArn, credentialsArn) ?? true
    const apis: RunningApi[] = []
    const throttles = accountThrottles({ ...ACCOUNT_QUOTAS, ...options.quotas }, clock)
    const usagePlans = new UsagePlans(resources, clock)
    for (const [index, definition] of definitions.entries()) {
      const deps = {
        functions,
        clock,
        log,
        environment,
        services: callServices,
        hosts: () => hosts,
        ...throttles,
        usagePlans,
      }
      const api =
        'routeSelectionExpression' in definition
          ? new WebSocketApi(definition, { ...deps, iam, mayInvoke })
          : new HttpApi(definition, { ...deps, iam: iam ? new IamAuthorizer(iam) : OPEN })
      closers.push(() => api.close())
      const port = await listen(api, firstPort === 0 ? 0 : firstPort + index)
      const { domainName } = definition
      hosts = { ...hosts, [isRegionOpen ? inAnyRegion(domainName) : domainName]: port }
      apis.push(...stagesOf(api, port))
    }
    const schedules = new Schedules(scheduleDefinitions(resources, environment), {
      targets,
      clock,
      environment,
    })
    closers.push(() => schedules.stop())
    await dynamodb.consume({ functions, destinations: queues })
    for (const definition of queueMappings(resources, queues, log)) {
      const mapping = new QueueEventSourceMapping(definition, { functions, environment, clock, log })
      closers.push(() => mapping.stop())
      mapping.start()
    }
    schedules.start()
    return new RunningStack({ deployment, apis, functions, queues, schedules, dynamodb }, hosts, closers)
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

async function listen(api: Api, port: number): Promise<number> {
  try {
    return await api.listen(port)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    const protocol = api instanceof WebSocketApi ? 'WebSocket' : 'HTTP'
    throw new PortTakenError(port, `${protocol} API ${api.definition.logicalId}`, error)
  }
}

function stagesOf(api: Api, port: number): RunningApi[] {
  const { logicalId, stages } = api.definition
  const isWebSocket = api instanceof WebSocketApi
  return stages.map(({ name: stage }) => {
    const path = stage === '$default' ? '' : `/${stage}`
    const base = `localhost:${port}${path}`
    return isWebSocket
      ? { logicalId, protocol: 'WEBSOCKET', stage, url: `ws://${base}`, callbackUrl: `http://${base}` }
      : { logicalId, protocol: 'HTTP', stage, url: `http://${base}` }
  })
}
