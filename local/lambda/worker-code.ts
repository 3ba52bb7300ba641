import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

let built: Promise<string> | undefined

/**
 * The code of `worker-main.ts` as one script. Threads do not share their parent's way of running TypeScript, so it is
 * built once for the process and handed to each as text.
 */
export function workerCode(): Promise<string> {
  built ??= build({
    entryPoints: [fileURLToPath(new URL('worker-main.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // `import()` must stay as it is: it loads the function's own code, of either kind.
    supported: { 'dynamic-import': true },
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '')
  return built
}
