import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import type { Answer, Call, Method } from './viewer-thread.ts'
import type { ViewerOptions, Viewers } from './viewers.ts'

type Result<M extends Method> = Awaited<ReturnType<Viewers[M]>>

let built: Promise<string> | undefined

/** Threads do not share their parent's way of running TypeScript: built once, handed over as text. */
async function threadCode(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'viewer-thread.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['bufferutil', 'utf-8-validate'],
  })
  return outputFiles[0]?.text ?? ''
}

/** The viewers, in a thread of their own: the stack's work does not hold them up, nor theirs the stack. */
export class ViewerHost {
  readonly #worker: Worker
  readonly #calls = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  #count = 0

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (answer: Answer) => {
      const call = this.#calls.get(answer.id)
      this.#calls.delete(answer.id)
      if ('error' in answer) call?.reject(new Error(answer.error))
      else call?.resolve(answer.result)
    })
    worker.on('error', (error: Error) => {
      for (const { reject } of this.#calls.values()) reject(error)
      this.#calls.clear()
    })
  }

  static async start(options: ViewerOptions): Promise<ViewerHost> {
    built ??= threadCode()
    return new ViewerHost(new Worker(await built, { eval: true, workerData: options }))
  }

  call<M extends Method>(method: M, ...args: Parameters<Viewers[M]>): Promise<Result<M>> {
    const call: Call = { id: ++this.#count, method, args }
    return new Promise<Result<M>>((resolve, reject) => {
      this.#calls.set(call.id, { resolve: resolve as (result: unknown) => void, reject })
      this.#worker.postMessage(call)
    })
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}
