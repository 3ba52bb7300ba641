import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type MetadataEntry, legacyAssets, readAssets } from './assets.ts'
import { readJson } from './read-json.ts'
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
  /** How the CDK names it, with the Stage that it is part of: `Prod/Api`. */
  readonly path: string
  readonly template: Template
  /** What the app fixes of it; what it leaves open is up to whoever deploys it. */
  readonly environment: Partial<Pick<Environment, 'accountId' | 'region'>>
  /** Paths of the stacks that have to be there first. */
  readonly dependencies: readonly string[]
  /** Values of template parameters that the CDK sets when it deploys, by name. */
  readonly parameters: Readonly<Record<string, string>>
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
  readonly displayName?: string
  readonly environment?: string
  readonly properties?: {
    readonly templateFile?: string
    readonly stackName?: string
    readonly file?: string
    readonly directoryName?: string
    readonly parameters?: Readonly<Record<string, string>>
  }
  readonly dependencies?: readonly string[]
  readonly metadata?: Metadata
  /** Newer versions keep the metadata beside the manifest. */
  readonly additionalMetadataFile?: string
}

type Metadata = Readonly<Record<string, readonly MetadataEntry[]>>

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
  read(folder, '')
  return { stacks, messages, assetPath: (_bucket, key) => assets.get(key) }

  function read(directory: string, stage: string): void {
    const manifest = readJson(join(directory, MANIFEST)) as Manifest
    const artifacts = manifest.artifacts ?? {}
    const pathOf = (id: string) => artifacts[id]?.displayName ?? join(stage, id)
    for (const id of inOrder(artifacts)) {
      const artifact = artifacts[id]
      if (!artifact) continue
      const { type, properties = {}, dependencies = [] } = artifact
      if (type === 'cdk:asset-manifest' && properties.file)
        readAssets(directory, properties.file).forEach((path, key) => assets.set(key, path))
      if (type === 'cdk:cloud-assembly' && properties.directoryName)
        read(join(directory, properties.directoryName), id.replace(/^assembly-/, ''))
      if (type !== 'aws:cloudformation:stack' || !properties.templateFile) continue
      const metadata = metadataOf(directory, artifact)
      const legacy = legacyAssets(directory, Object.values(metadata).flat())
      legacy.paths.forEach((path, key) => assets.set(key, path))
      stacks.push({
        name: properties.stackName ?? id,
        path: pathOf(id),
        template: readJson(join(directory, properties.templateFile)) as Template,
        environment: environmentOf(artifact.environment),
        dependencies: dependencies
          .filter((other) => artifacts[other]?.type === 'aws:cloudformation:stack')
          .map(pathOf),
        parameters: { ...properties.parameters, ...legacy.parameters },
      })
      messages.push(...messagesOf(metadata))
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

function metadataOf(directory: string, { metadata, additionalMetadataFile }: Artifact): Metadata {
  if (metadata) return metadata
  return additionalMetadataFile ? (readJson(join(directory, additionalMetadataFile)) as Metadata) : {}
}

function messagesOf(metadata: Metadata): Message[] {
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
