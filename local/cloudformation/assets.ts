import { join } from 'node:path'
import { readJson } from './read-json.ts'

/** Something that a construct notes about itself in the assembly. */
export interface MetadataEntry {
  readonly type: string
  readonly data?: unknown
}

/** Files and folders of an asset manifest, by the key that they get in the assets' bucket. */
export function readAssets(directory: string, file: string): Map<string, string> {
  const { files = {} } = readJson(join(directory, file)) as {
    files?: Record<string, { source: { path?: string }; destinations: Record<string, { objectKey: string }> }>
  }
  const paths = new Map<string, string>()
  for (const { source, destinations } of Object.values(files)) {
    if (source.path === undefined) continue // made by a command at deployment: nothing to read here
    for (const { objectKey } of Object.values(destinations))
      paths.set(objectKey, join(directory, source.path))
  }
  return paths
}

interface LegacyAsset {
  readonly packaging: string
  readonly path: string
  readonly s3BucketParameter?: string
  readonly s3KeyParameter?: string
  readonly artifactHashParameter?: string
  readonly sourceHash?: string
}

/**
 * Assets as CDK v1 and `LegacyStackSynthesizer` hand them over: as template parameters for bucket, key and hash. The key
 * comes as `prefix||name`, which the template takes apart again.
 */
export function legacyAssets(
  directory: string,
  metadata: readonly MetadataEntry[],
): { paths: Map<string, string>; parameters: Record<string, string> } {
  const paths = new Map<string, string>()
  const parameters: Record<string, string> = {}
  for (const { type, data } of metadata) {
    if (type !== 'aws:cdk:asset') continue
    const { packaging, path, sourceHash = path, ...names } = data as LegacyAsset
    if (packaging === 'container-image') continue
    paths.set(sourceHash, join(directory, path))
    if (names.s3BucketParameter !== undefined) parameters[names.s3BucketParameter] = 'cdk-assets'
    if (names.s3KeyParameter !== undefined) parameters[names.s3KeyParameter] = `||${sourceHash}`
    if (names.artifactHashParameter !== undefined) parameters[names.artifactHashParameter] = sourceHash
  }
  return { paths, parameters }
}
