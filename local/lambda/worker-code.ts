import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'

export interface WorkerCode {
  /** `runtime/main.ts` as one script. */
  readonly main: string
  /** `runtime/import-hooks.ts` as one module. */
  readonly importHooks: string
}

const GLOBALS = JSON.stringify(['require', 'module', 'exports', '__filename', '__dirname'])

let built: Promise<WorkerCode> | undefined

/**
 * The code of execution environments. Threads do not share their parent's way of running TypeScript, so it is built
 * once for the process and handed to each as text.
 */
export function workerCode(): Promise<WorkerCode> {
  built ??= buildAll()
  return built
}

async function buildAll(): Promise<WorkerCode> {
  const [main, importHooks] = await Promise.all([
    bundle('runtime/main.ts', {
      format: 'cjs',
      // `import()` must stay as it is: it loads the function's own code, of either kind.
      supported: { 'dynamic-import': true },
      // Node gives a script that comes as text the names of a CommonJS module as globals, where handlers' ES modules
      // would see them.
      banner: { js: `((require) => { for (const name of ${GLOBALS}) delete globalThis[name]` },
      footer: { js: '})(require)' },
    }),
    bundle('runtime/import-hooks.ts', { format: 'esm' }),
  ])
  return { main, importHooks }
}

async function bundle(
  file: string,
  options: Pick<BuildOptions, 'format' | 'supported' | 'banner' | 'footer'>,
): Promise<string> {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
  })
  return outputFiles[0]?.text ?? ''
}
