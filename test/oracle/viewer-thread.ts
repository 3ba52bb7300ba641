// Runs in a thread: does to the viewers what it is told, and answers.
import { parentPort, workerData } from 'node:worker_threads'
import { liveIn } from '../../local/lambda/runtime/time.ts'
import { type ViewerOptions, Viewers } from './viewers.ts'

export type Method = Exclude<keyof Viewers, 'constructor'>

export interface Call {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}

export type Answer =
  { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string }

const options = workerData as ViewerOptions
liveIn(options.time, options)
const viewers = new Viewers(options)
const port = parentPort
if (!port) throw new Error('this file runs in a worker thread only')

port.on('message', ({ id, method, args }: Call) => {
  const act = viewers[method].bind(viewers) as (...given: readonly unknown[]) => unknown
  Promise.resolve()
    .then(() => act(...args))
    .then(
      (result) => port.postMessage({ id, result }),
      (error: unknown) => port.postMessage({ id, error: String(error) }),
    )
})
