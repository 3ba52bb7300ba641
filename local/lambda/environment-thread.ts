import { Worker } from 'node:worker_threads'
import { Sender, newHandOver } from './runtime/hand-over.ts'
import type { WorkerData } from './runtime/protocol.ts'

/** What the thread of an execution environment is made of. */
export interface ThreadOptions {
  readonly code: string
  readonly data: Omit<WorkerData, 'handOver' | 'nodeOptions'>
  readonly env: Readonly<Record<string, string>>
  readonly memoryMb: number
}

export interface EnvironmentThread {
  readonly worker: Worker
  readonly handOver: Sender
}

/** Starts a thread, which loads the handler and waits for what is handed over. */
export function startThread({ code, data, env: variables, memoryMb }: ThreadOptions): EnvironmentThread {
  const { NODE_OPTIONS: nodeOptions, ...env } = variables
  const handOver = newHandOver()
  const workerData: WorkerData = { ...data, nodeOptions, handOver }
  const worker = new Worker(code, {
    eval: true,
    workerData,
    env,
    name: variables['AWS_LAMBDA_FUNCTION_NAME'] ?? '',
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    stdout: true,
    stderr: true,
    execArgv: [],
  })
  return { worker, handOver: new Sender(handOver) }
}
