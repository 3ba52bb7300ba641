import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from './resource.ts'

/** A template as CloudFormation reads it; nothing is resolved yet. */
export interface Template {
  readonly Parameters?: Readonly<Record<string, TemplateParameter>>
  readonly Mappings?: Readonly<Record<string, unknown>>
  readonly Conditions?: Readonly<Record<string, unknown>>
  readonly Resources?: Readonly<Record<string, TemplateResource>>
  readonly Outputs?: Readonly<Record<string, TemplateOutput>>
}

export interface TemplateParameter {
  readonly Type: string
  readonly Default?: unknown
}

export interface TemplateResource {
  readonly Type: string
  readonly Condition?: string
  readonly Properties?: Readonly<Record<string, unknown>>
  readonly Metadata?: Readonly<Record<string, unknown>>
}

export interface TemplateOutput {
  readonly Value: unknown
  readonly Description?: string
  readonly Condition?: string
  readonly Export?: { readonly Name: unknown }
}

/** What a construct has to say to people. */
export interface Message {
  readonly level: 'info' | 'warning' | 'error'
  readonly path: string
  readonly text: string
}

export interface Stack {
  /** The name that CloudFormation would give it. */
  readonly name: string
  readonly template: Template
  readonly environment: Partial<Environment>
}

/** A cloud assembly: what `cdk synth` leaves in `cdk.out`. */
export interface Assembly {
  /** In the order in which they can be deployed. */
  readonly stacks: readonly Stack[]
  readonly messages: readonly Message[]
  /** Template of a nested stack, and code, by the name of the object in the assets' bucket. */
  assetPath(bucket: string, key: string): string | undefined
}

interface Manifest {
  readonly artifacts?: Readonly<Record<string, Artifact>>
}

interface Artifact {
  readonly type: string
  readonly environment?: string
  readonly properties?: {
    readonly templateFile?: string
    readonly stackName?: string
    readonly file?: string
    readonly directoryName?: string
    readonly parameters?: Readonly<Record<string, string>>
  }
  readonly dependencies?: readonly string[]
  readonly metadata?: Readonly<Record<string, readonly MetadataEntry[]>>
  /** Newer versions keep the metadata beside the manifest. */
  readonly additionalMetadataFile?: string
}

interface MetadataEntry {
  readonly type: string
  readonly data?: unknown
}

const MANIFEST = 'manifest.json'

/** Whether a folder holds a cloud assembly. */
export const isAssembly = (folder: string) => existsSync(join(folder, MANIFEST))

/**
 * Reads a cloud assembly, the assemblies nested in it (CDK Stages) included.
 * @throws when the folder holds none, or one that refers to files that are not there
 */
export function readAssembly(folder: string): Assembly {
  if (!isAssembly(folder))
    throw new Error(
      `"${folder}" has no ${MANIFEST}; expected the cloud assembly that cdk synth writes (cdk.out)`,
    )
  const assets = new Map<string, string>()
  const stacks: Stack[] = []
  const messages: Message[] = []
  read(folder)
  return { stacks, messages, assetPath: (_bucket, key) => assets.get(key) }

  function read(directory: string): void {
    const manifest = readJson(join(directory, MANIFEST)) as Manifest
    const artifacts = manifest.artifacts ?? {}
    for (const id of inOrder(artifacts)) {
      const artifact = artifacts[id]
      if (!artifact) continue
      const { properties = {} } = artifact
      if (artifact.type === 'cdk:asset-manifest' && properties.file) readAssets(directory, properties.file)
      if (artifact.type === 'cdk:cloud-assembly' && properties.directoryName)
        read(join(directory, properties.directoryName))
      if (artifact.type === 'aws:cloudformation:stack' && properties.templateFile) {
        stacks.push({
          name: properties.stackName ?? id,
          template: readJson(join(directory, properties.templateFile)) as Template,
          environment: environmentOf(artifact.environment),
        })
        messages.push(...messagesOf(directory, artifact))
      }
    }
  }

  function readAssets(directory: string, file: string): void {
    const { files = {} } = readJson(join(directory, file)) as {
      files?: Record<
        string,
        { source: { path?: string }; destinations: Record<string, { objectKey: string }> }
      >
    }
    for (const { source, destinations } of Object.values(files)) {
      if (source.path === undefined) continue // made by a command at deployment: nothing to read here
      for (const { objectKey } of Object.values(destinations))
        assets.set(objectKey, join(directory, source.path))
    }
  }
}

/** Ids with every artifact after those it depends on, the manifest's order otherwise. */
function inOrder(artifacts: Readonly<Record<string, Artifact>>): string[] {
  const ordered = new Set<string>()
  const visit = (id: string, path: readonly string[]) => {
    if (ordered.has(id) || path.includes(id)) return
    for (const dependency of artifacts[id]?.dependencies ?? []) visit(dependency, [...path, id])
    ordered.add(id)
  }
  for (const id of Object.keys(artifacts)) visit(id, [])
  return [...ordered]
}

/** `aws://123456789012/eu-west-1`, either part unknown where the app left it open. */
function environmentOf(text: string | undefined): Partial<Environment> {
  const [, accountId, region] = /^aws:\/\/([^/]+)\/(.+)$/.exec(text ?? '') ?? []
  return {
    ...(accountId === undefined || accountId.startsWith('unknown') ? {} : { accountId }),
    ...(region === undefined || region.startsWith('unknown') ? {} : { region }),
  }
}

function messagesOf(directory: string, artifact: Artifact): Message[] {
  const beside = artifact.additionalMetadataFile
  const metadata =
    artifact.metadata ??
    (beside ? (readJson(join(directory, beside)) as NonNullable<Artifact['metadata']>) : {})
  return Object.entries(metadata).flatMap(([path, entries]) =>
    entries.flatMap(({ type, data }) => {
      const level = LEVELS[type]
      return level
        ? [{ level, path: path.replace(/^\//, ''), text: withoutAcknowledgement(String(data)) }]
        : []
    }),
  )
}

const LEVELS: Readonly<Record<string, Message['level'] | undefined>> = {
  'aws:cdk:info': 'info',
  'aws:cdk:warning': 'warning',
  'aws:cdk:error': 'error',
}

/** CDK adds the id by which a warning can be silenced. */
const withoutAcknowledgement = (text: string) => text.replace(/ \[ack: [^\]]*\]$/, '')

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`"${file}" can not be read as JSON; synthesize the app again`, { cause })
  }
}
