import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Environment, Resource } from '../../../local/cloudformation/resource.ts'
import { type Clock, systemClock } from '../../../local/clock.ts'
import type { Faults } from '../../../local/faults.ts'
import type { HostTable } from '../../../local/hosts.ts'
import { functionDefinitions } from '../../../local/lambda/function-definition.ts'
import type { InvokeResult } from '../../../local/lambda/invoker.ts'
import type { FunctionOutput } from '../../../local/lambda/output.ts'
import type { Latency } from '../../../local/latency.ts'
import { LambdaService } from '../../../local/lambda/service.ts'

export const environment: Environment = {
  partition: 'aws',
  region: 'eu-west-1',
  accountId: '123456789012',
}

export const functionArn = (name: string) => `arn:aws:lambda:eu-west-1:123456789012:function:${name}`

interface Setup {
  /** Files of the code, by their path in the project; the task's root is `root`. */
  readonly files: Readonly<Record<string, string | Uint8Array>>
  /** Folder of the project that the asset is. @default the project itself */
  readonly root?: string
  /** Properties of the functions, by name. */
  readonly functions: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly clock?: Clock
  readonly hosts?: () => HostTable
  readonly patienceMs?: number
  /** Further resources, whole. */
  readonly more?: readonly Resource[]
  readonly faults?: Faults
  readonly latency?: Latency
}

/** What a dead-letter queue or a destination got. */
export interface Sent {
  readonly arn: string
  readonly body: unknown
  readonly attributes?: Readonly<Record<string, string>>
}

interface Line {
  readonly level: 'info' | 'warn' | 'error'
  readonly source: string
  readonly text: string
}

/** Functions whose code is written to a folder of its own, and all that they log. */
export function makeFunctions({
  files,
  root = '.',
  functions,
  clock = systemClock,
  hosts,
  more = [],
  ...options
}: Setup) {
  const project = mkdtempSync(join(tmpdir(), 'lambda-test-'))
  for (const [path, content] of Object.entries(files)) {
    const file = join(project, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  const lines: Line[] = []
  const outputs: FunctionOutput[] = []
  const sent: Sent[] = []
  const watchers = new Set<() => void>()
  const write = (level: Line['level']) => (source: string, text: string) => {
    lines.push({ level, source, text })
    for (const watch of watchers) watch()
  }
  const assetPath = (_bucket: string, key: string) =>
    key === 'missing' ? undefined : join(project, root, key === 'code' ? '.' : key)
  const service = new LambdaService({
    resources: [
      ...Object.entries(functions).map(([name, properties]) => functionResource(name, properties)),
      ...more,
    ],
    environment,
    clock,
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    assetPath,
    output: (output) => outputs.push(output),
    hosts: hosts ?? (() => ({})),
    destinations: {
      send: (arn, body, attributes) => {
        sent.push({ arn, body: JSON.parse(body) as unknown, ...(attributes ? { attributes } : {}) })
        for (const watch of watchers) watch()
      },
      publish: (arn, detailType, detail, resources) => {
        sent.push({ arn, body: { detailType, detail, resources } })
        for (const watch of watchers) watch()
      },
    },
    ...options,
  })
  onTestFinished(async () => {
    await service.close()
    rmSync(project, { recursive: true })
  })
  /** Resolves with what `look` finds, once it does. */
  const found = <T>(look: () => T | undefined) =>
    new Promise<T>((resolve) => {
      const watch = () => {
        const seen = look()
        if (seen === undefined) return
        watchers.delete(watch)
        resolve(seen)
      }
      watchers.add(watch)
      watch()
    })
  /** Resolves with the first line that contains `text`. */
  const logged = (text: string) => found(() => lines.find((each) => each.text.includes(text)))
  /** Resolves with the message at a place, counted from 0, in the order of sending. */
  const delivered = (index = 0) => found(() => sent[index])
  const call = async (name: string, event: unknown = {}) => parseResult(await service.invoke(name, event))
  /** Gives every function these properties over its first ones, and the stack these further resources. */
  const update = (changes: Readonly<Record<string, unknown>>, further = more) => {
    const resources = Object.entries(functions)
      .map(([name, properties]) => functionResource(name, { ...properties, ...changes }))
      .concat(further)
    return service.update(resources, functionDefinitions(resources, assetPath), false)
  }
  return {
    service,
    call,
    update,
    lines,
    outputs,
    sent,
    found,
    logged,
    delivered,
    project,
    taskRoot: join(project, root),
  }
}

/** One function `Fn`, all of whose code is `index.mjs`. */
export const makeFunction = (
  code: string,
  properties: Readonly<Record<string, unknown>> = {},
  setup: Partial<Setup> = {},
) => makeFunctions({ files: { 'index.mjs': code }, functions: { Fn: properties }, ...setup })

export const resource = (
  type: string,
  logicalId: string,
  properties: Readonly<Record<string, unknown>>,
  arn = '',
): Resource => ({
  logicalId,
  type,
  stack: 'Test',
  path: `Test/${logicalId}`,
  physicalId: arn || logicalId,
  arn,
  properties,
})

function functionResource(name: string, properties: Readonly<Record<string, unknown>>): Resource {
  return {
    logicalId: name,
    type: 'AWS::Lambda::Function',
    stack: 'Test',
    path: `Test/${name}`,
    physicalId: name,
    arn: functionArn(name),
    properties: {
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: `arn:aws:iam::123456789012:role/${name}`,
      Code: { S3Bucket: 'assets', S3Key: 'code' },
      ...properties,
    },
  }
}

export interface Outcome {
  readonly functionError?: 'Unhandled'
  readonly reply: unknown
}

function parseResult({ payload, functionError }: InvokeResult): Outcome {
  return { reply: JSON.parse(payload) as unknown, ...(functionError ? { functionError } : {}) }
}
