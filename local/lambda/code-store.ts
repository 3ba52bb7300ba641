import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { unzipSync } from 'fflate'
import type { Resource } from '../cloudformation/resource.ts'

export type AssetPath = (bucket: string, key: string) => string | undefined

interface Code {
  readonly S3Bucket?: string
  readonly S3Key?: string
  readonly ZipFile?: string
  readonly ImageUri?: string
}

/** The code of functions and layers as folders: assets as they lie, archives and inline code unpacked. */
export class CodeStore {
  readonly #assetPath: AssetPath
  readonly #layers: ReadonlyMap<string, Resource>
  readonly #folders = new Map<string, string>()
  #unpacked: string | undefined

  constructor(resources: readonly Resource[], assetPath: AssetPath) {
    this.#assetPath = assetPath
    const layers = resources.filter(({ type }) => type === 'AWS::Lambda::LayerVersion')
    this.#layers = new Map(layers.map((layer) => [layer.physicalId, layer]))
  }

  /** @throws when the code can't be had here */
  codeFolder({ path, properties }: Resource): string {
    const code = (properties['Code'] ?? {}) as Code
    if (code.ImageUri !== undefined)
      throw new Error(
        `${path}: container images are not emulated; expected a folder, an archive or inline code`,
      )
    return this.#once(`code of ${path}`, () => {
      if (code.ZipFile === undefined) return this.#asset(path, code)
      const folder = this.#newFolder()
      writeFileSync(join(folder, 'index.js'), code.ZipFile)
      return folder
    })
  }

  /**
   * What `/opt` holds for a function.
   * @returns undefined when the function has no layers of the template
   */
  layerRoot({ properties }: Resource): string | undefined {
    const layers = this.#layersOf(properties)
    const [only] = layers
    if (only === undefined) return undefined
    if (layers.length === 1) return this.#layer(only)
    return this.#once(`layers ${layers.map(({ physicalId }) => physicalId).join()}`, () => {
      const merged = this.#newFolder()
      // A later layer lies over an earlier one.
      for (const layer of layers) cpSync(this.#layer(layer), merged, { recursive: true })
      return merged
    })
  }

  /** Where the template has the content of a function's layers. */
  layerContents({ properties }: Resource): unknown[] {
    return this.#layersOf(properties).map((layer) => layer.properties['Content'])
  }

  /** ARNs of layers that the template does not hold. */
  missingLayers({ properties }: Resource): string[] {
    return arns(properties).filter((arn) => !this.#layers.has(arn))
  }

  /** Removes everything that was unpacked. */
  remove(): void {
    if (this.#unpacked !== undefined) rmSync(this.#unpacked, { recursive: true, force: true })
    this.#unpacked = undefined
    this.#folders.clear()
  }

  #layersOf(properties: Resource['properties']): Resource[] {
    return arns(properties).flatMap((arn) => this.#layers.get(arn) ?? [])
  }

  #layer({ path, properties }: Resource): string {
    return this.#asset(path, properties['Content'] ?? {})
  }

  #asset(path: string, { S3Bucket = '', S3Key }: Code): string {
    const file = S3Key === undefined ? undefined : this.#assetPath(S3Bucket, S3Key)
    if (file === undefined)
      throw new Error(
        `${path}: the code "${S3Key ?? '(none)'}" is no asset of the assembly; expected an asset or inline code`,
      )
    return statSync(file).isDirectory() ? file : this.#once(file, () => this.#unzip(path, file))
  }

  #unzip(path: string, file: string): string {
    const folder = this.#newFolder()
    let entries: Record<string, Uint8Array>
    try {
      entries = unzipSync(readFileSync(file))
    } catch (cause) {
      throw new Error(`${path}: the code "${file}" is no zip archive: ${String(cause)}`, { cause })
    }
    for (const [name, content] of Object.entries(entries)) {
      const target = resolve(folder, name)
      if (!target.startsWith(folder + sep))
        throw new Error(`${path}: the archive "${file}" holds "${name}", which would lie outside of the code`)
      mkdirSync(name.endsWith('/') ? target : dirname(target), { recursive: true })
      if (!name.endsWith('/')) writeFileSync(target, content)
    }
    return folder
  }

  #newFolder(): string {
    this.#unpacked ??= mkdtempSync(join(tmpdir(), 'lambda-code-'))
    return mkdtempSync(join(this.#unpacked, 'code-'))
  }

  #once(key: string, make: () => string): string {
    const known = this.#folders.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#folders.set(key, made)
    return made
  }
}

const arns = (properties: Resource['properties']) => (properties['Layers'] ?? []) as readonly string[]
