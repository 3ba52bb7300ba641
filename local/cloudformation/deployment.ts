import type { Assembly, Message } from './assembly.ts'
import { type GivenValues, NOTHING_GIVEN } from './given-values.ts'
import { UnresolvableError } from './intrinsics.ts'
import type { Environment, Resource } from './resource.ts'
import { StackResolver } from './stack-resolver.ts'
import { type Selection, selectStacks } from './stack-selection.ts'
import type { Unresolved, World } from './world.ts'

export interface Output {
  readonly stack: string
  readonly key: string
  readonly value: string
  readonly description?: string
}

/** An assembly with every value resolved: what the emulators are made from. */
export interface Deployment {
  readonly environment: Environment
  /** Whether neither the app nor the options say a Region, so that a function that names one means this. */
  readonly isRegionOpen: boolean
  /** Of all stacks that run, in template order. */
  readonly resources: readonly Resource[]
  /** Emulated resources that could not be had. */
  readonly unresolved: readonly Unresolved[]
  readonly outputs: readonly Output[]
  /** What constructs have to say, and what was left out. */
  readonly messages: readonly Message[]
  assetPath(bucket: string, key: string): string | undefined
}

export interface DeploymentOptions {
  readonly selection?: Selection
  readonly given?: GivenValues
}

/** Types of which two with one name can't both be there. */
const NAMED = new Set([
  'AWS::DynamoDB::GlobalTable',
  'AWS::DynamoDB::Table',
  'AWS::Lambda::Function',
  'AWS::SQS::Queue',
  'AWS::SSM::Parameter',
])

/**
 * Resolves the stacks of an assembly that run together. A resource that can't be resolved is left out with what refers to
 * it, and a message says so.
 * @throws when the selection leaves no stack
 */
export function resolveAssembly(assembly: Assembly, options: DeploymentOptions = {}): Deployment {
  const { selection, given = NOTHING_GIVEN } = options
  const { stacks, environment, isRegionOpen, messages } = selectStacks(assembly.stacks, selection)
  const madeUp = new Map<string, Set<string>>()
  const worlds = new Map<string, World>()
  const worldOf = (there: Environment): World => {
    const key = `${there.accountId}/${there.region}`
    const known = worlds.get(key)
    if (known) return known
    const world: World = {
      environment: there,
      exports: new Map(),
      parameters: new Map(),
      secrets: new Map(),
      given,
      assetPath: (bucket, name) => assembly.assetPath(bucket, name),
      elsewhere: (region) => worldOf({ ...there, region }),
      onMadeUp: (place, what) => madeUp.set(what, (madeUp.get(what) ?? new Set()).add(place)),
    }
    worlds.set(key, world)
    return world
  }
  // Those that do not run have values for those that do.
  const resolvers = assembly.stacks.map((stack) => ({
    runs: stacks.includes(stack),
    resolver: new StackResolver(stack, worldOf({ ...environment, ...stack.environment }), stack.parameters),
  }))
  const running = resolvers.filter(({ runs }) => runs).map(({ resolver }) => resolver)
  for (const { resolver } of resolvers) resolver.publish()
  for (const { resolver } of resolvers) resolver.publishNested()
  const { resources, clashes } = withoutClashes(settled(running))
  const unresolved = running.flatMap((resolver) => resolver.unresolved)
  const outputs = running.flatMap((resolver) =>
    resolver.outputs().map((output) => ({ ...output, stack: resolver.name })),
  )
  return {
    environment,
    isRegionOpen,
    resources,
    unresolved,
    outputs: outputs.flatMap(({ value, ...output }) =>
      typeof value === 'string' ? [{ ...output, value }] : [],
    ),
    messages: [
      ...assembly.messages,
      ...messages,
      ...skipped(unresolved),
      ...clashes,
      ...outputs.flatMap(({ value, key, stack }) =>
        value instanceof UnresolvableError && !value.isConsequence
          ? [{ level: 'warning' as const, path: `${stack}/${key}`, text: `skipped output: ${value.message}` }]
          : [],
      ),
      ...[...madeUp].map(([what, places]) => ({
        level: 'warning' as const,
        path: what,
        text: `made-up text stands for ${what}, which is not emulated, in ${[...places].join(', ')}`,
      })),
    ],
    assetPath: (bucket, key) => assembly.assetPath(bucket, key),
  }
}

/** Resolves until nothing more has to be left out: what refers to what is left out goes with it. */
function settled(stacks: readonly StackResolver[]): Resource[] {
  const count = () => stacks.reduce((sum, { unresolved }) => sum + unresolved.length, 0)
  for (;;) {
    const before = count()
    const resources = stacks.flatMap((stack) => stack.resources())
    if (count() === before) return resources
  }
}

function skipped(unresolved: readonly Unresolved[]): Message[] {
  const causes = unresolved.filter(({ isConsequence }) => !isConsequence)
  const with_ = unresolved.filter(({ isConsequence }) => isConsequence)
  const messages = causes.map(({ path, reason }) => warning(path, `skipped: ${reason}`))
  if (with_.length === 0) return messages
  const paths = with_.map(({ path }) => path).join(', ')
  return [...messages, warning(paths, `skipped, because they need what is skipped: ${paths}`)]
}

/** Leaves out what has the name of something before it, as two Stages of an app may in one account and Region. */
function withoutClashes(all: readonly Resource[]): { resources: Resource[]; clashes: Message[] } {
  const taken = new Map<string, Resource>()
  const clashes: Message[] = []
  const resources = all.filter((resource) => {
    const { type, physicalId, path } = resource
    if (!NAMED.has(type)) return true
    const other = taken.get(`${type} ${physicalId}`)
    if (!other) taken.set(`${type} ${physicalId}`, resource)
    else
      clashes.push(
        warning(
          path,
          `skipped: ${path} (${type}) has the name "${physicalId}" of ${other.path}; choose stacks with --stack`,
        ),
      )
    return !other
  })
  return { resources, clashes }
}

const warning = (path: string, text: string): Message => ({ level: 'warning', path, text })
