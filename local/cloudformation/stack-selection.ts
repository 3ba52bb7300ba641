import type { Message, Stack } from './assembly.ts'
import type { Environment } from './resource.ts'

/** Which part of an app is run, and where it pretends to be. */
export interface Selection {
  /** Names or paths of stacks, `*` for any text; those they depend on come with them. @default all */
  readonly stacks?: readonly string[]
  readonly region?: string
  readonly accountId?: string
}

export interface Selected {
  /** In the order in which they can be deployed. */
  readonly stacks: readonly Stack[]
  readonly environment: Environment
  /** Whether the Region is ours to choose: neither the stacks nor the options say one. */
  readonly isRegionOpen: boolean
  /** What was left out, and how to have it. */
  readonly messages: readonly Message[]
}

type Place = Stack['environment']

const DEFAULTS = { region: 'eu-west-1', accountId: '123456789012' }
const API = 'AWS::ApiGatewayV2::Api'

/**
 * Chooses the stacks that run together: those of one account and Region, because that is what runs here.
 * @throws when nothing fits, naming what there is
 */
export function selectStacks(all: readonly Stack[], selection: Selection = {}): Selected {
  const named = byName(all, selection.stacks)
  const place = { ...mainPlace(named, selection), ...given(selection) }
  const here = named.filter(({ environment }) => fits(environment, place))
  if (here.length === 0) {
    const found = named.map(({ path, environment }) => `${path} (${shown(environment)})`).join(', ')
    throw new Error(`no stack is for ${shown(place)}; the app has ${found || 'none'}`)
  }
  const stacks = here.filter((stack, i) => here.findIndex(({ name }) => name === stack.name) === i)
  const region = place.region ?? DEFAULTS.region
  return {
    stacks,
    environment: { partition: partitionOf(region), region, accountId: place.accountId ?? DEFAULTS.accountId },
    isRegionOpen: place.region === undefined,
    messages: [
      ...named
        .filter((stack) => !here.includes(stack))
        .map((stack) =>
          warning(stack, `is for ${shown(stack.environment)} and does not run here; ${howToHave(stack)}`),
        ),
      ...here
        .filter((stack) => !stacks.includes(stack))
        .map((stack) =>
          warning(
            stack,
            `has the name "${stack.name}" of another stack and does not run; choose with --stack`,
          ),
        ),
    ],
  }
}

function byName(all: readonly Stack[], patterns: readonly string[] | undefined): Stack[] {
  if (patterns === undefined || patterns.length === 0) return [...all]
  const chosen = new Set<string>()
  const add = ({ path, dependencies }: Stack) => {
    if (chosen.has(path)) return
    chosen.add(path)
    for (const stack of all) if (dependencies.includes(stack.path)) add(stack)
  }
  for (const pattern of patterns) {
    const regex = new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`)
    const matching = all.filter(({ name, path }) => regex.test(name) || regex.test(path))
    if (matching.length === 0)
      throw new Error(
        `--stack "${pattern}" is no stack; expected ${all.map(({ name, path }) => (name === path ? name : `${path} (${name})`)).join(', ')}`,
      )
    matching.forEach(add)
  }
  return all.filter(({ path }) => chosen.has(path))
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Where the first stack with an API is, else the first that says where it is, among those that the options allow. */
function mainPlace(stacks: readonly Stack[], selection: Selection): Place {
  const fixed = stacks.filter(({ environment }) => fits(environment, given(selection)))
  const hasApi = ({ template }: Stack) =>
    Object.values(template.Resources ?? {}).some(({ Type }) => Type === API)
  const saysWhere = ({ environment }: Stack) => Object.keys(environment).length > 0
  return (fixed.filter(saysWhere).find(hasApi) ?? fixed.find(saysWhere))?.environment ?? {}
}

const given = ({ region, accountId }: Selection): Place => ({
  ...(region === undefined ? {} : { region }),
  ...(accountId === undefined ? {} : { accountId }),
})

/** Whether a stack may be there: what either leaves open fits. */
const fits = (environment: Place, place: Place) =>
  (['region', 'accountId'] as const).every(
    (key) => environment[key] === undefined || place[key] === undefined || environment[key] === place[key],
  )

const shown = ({ accountId, region }: Place) =>
  [region ?? 'any Region', ...(accountId === undefined ? [] : [`account ${accountId}`])].join(', ')

const howToHave = ({ environment: { region, accountId } }: Stack) =>
  `run it with ${[
    ...(region === undefined ? [] : [`--region ${region}`]),
    ...(accountId === undefined ? [] : [`--account ${accountId}`]),
  ].join(' ')}`

const warning = ({ path }: Stack, text: string): Message => ({
  level: 'warning',
  path,
  text: `stack "${path}" ${text}`,
})

const partitionOf = (region: string) =>
  region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
