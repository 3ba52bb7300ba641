import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { readAssembly } from '../../../local/cloudformation/assembly.ts'
import { type DeploymentOptions, resolveAssembly } from '../../../local/cloudformation/deployment.ts'
import { NOTHING_GIVEN, type GivenValues } from '../../../local/cloudformation/given-values.ts'

export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'assembly-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** A template, and what its artifact says beside it. */
export interface StackParts {
  readonly template: object
  readonly environment?: string
  readonly artifact?: object
}

/** Writes an assembly. @returns its folder */
export function assemblyOf(stacks: Readonly<Record<string, StackParts>>): string {
  const folder = temporary()
  const artifacts = Object.entries(stacks).map(([name, { template, environment, artifact }]) => {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(template))
    const properties = { templateFile: `${name}.json` }
    return [name, { type: 'aws:cloudformation:stack', environment, properties, ...artifact }] as const
  })
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ artifacts: Object.fromEntries(artifacts) }))
  return folder
}

/** Stacks by name, resolved together. */
export function resolved(stacks: Readonly<Record<string, object>>, options: DeploymentOptions = {}) {
  const parts = Object.entries(stacks).map(([name, template]) => [name, { template }] as const)
  return resolveAssembly(readAssembly(assemblyOf(Object.fromEntries(parts))), options)
}

export const given = (values: Partial<GivenValues>): DeploymentOptions => ({
  given: { ...NOTHING_GIVEN, ...values },
})
