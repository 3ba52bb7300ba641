import type { Resource } from '../cloudformation/resource.ts'
import type { StackUpdate } from '../stack.ts'

/** Comes and goes with others, and means nothing by itself. */
const BESIDE_THE_POINT =
  /^AWS::(?:CDK::Metadata|Lambda::(?:Version|Permission)|ApiGatewayV2::(?:Deployment|RouteResponse|IntegrationResponse))$/
/** More functions than this are counted. */
const MAX_NAMED = 3

/**
 * One line on what an update changed: `Default: live in 420 ms`, `stack: 2 functions, 1 route changed in 1.9 s`.
 * @returns undefined when nothing of importance did
 */
export function summaryOf(
  { added, removed, changed, failures }: StackUpdate,
  ms: number,
): string | undefined {
  const done = [...changed, ...added, ...removed].filter(
    ({ type, physicalId }) => !BESIDE_THE_POINT.test(type) && !failures.has(physicalId),
  )
  if (done.length === 0) return undefined
  const took = ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
  const isCode = done.every(
    (resource) => resource.type === 'AWS::Lambda::Function' && changed.includes(resource),
  )
  if (isCode && done.length <= MAX_NAMED) return `${done.map(shortName).join(', ')}: live in ${took}`
  return `stack: ${counts(done)} changed in ${took}`
}

/** Why functions go on with the code they had. */
export function failureText({ failures, changed }: StackUpdate): string {
  const nameOf = (name: string) => {
    const resource = changed.find(({ physicalId }) => physicalId === name)
    return resource ? shortName(resource) : name
  }
  return [...failures]
    .map(([name, why]) => `${nameOf(name)}: its new code can not be loaded: ${why}`)
    .join('\n')
}

/** `WebSocketApi/Default` for `Openline-dev/WebSocketApi/Default/Function` */
function shortName({ path, stack }: Resource): string {
  const inStack = path.startsWith(`${stack}/`) ? path.slice(stack.length + 1) : path
  return inStack.replace(/\/(?:Function|Resource)$/, '')
}

function counts(resources: readonly Resource[]): string {
  const byKind = new Map<string, number>()
  for (const { type } of resources) {
    const kind = kindOf(type)
    byKind.set(kind, (byKind.get(kind) ?? 0) + 1)
  }
  return [...byKind].map(([kind, count]) => `${count} ${count === 1 ? kind : plural(kind)}`).join(', ')
}

/** `event source mapping` for `AWS::Lambda::EventSourceMapping`, `API` for `AWS::ApiGatewayV2::Api` */
const kindOf = (type: string) =>
  type.endsWith('::Api')
    ? 'API'
    : (type.split('::').at(-1) ?? type).replace(/(?<=[a-z])[A-Z]/g, ' $&').toLowerCase()

const plural = (kind: string) => (kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`)
