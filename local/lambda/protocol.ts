import type { HostTable } from '../hosts.ts'
import type { Trouble } from './trouble.ts'

/** What passes between an execution environment's thread and the service. */
export interface WorkerData {
  /** See `hand-over.ts`; the thread sleeps on it, frozen, between invocations. */
  readonly handOver: SharedArrayBuffer
  readonly taskRoot: string
  /** `index.handler` */
  readonly handler: string
  readonly hosts: HostTable
  /** Callback handlers, `context.done` and the like: gone from nodejs24.x. */
  readonly allowsCallbacks: boolean
  /** Node refuses a thread whose `NODE_OPTIONS` names options of a process; handlers still see the variable. */
  readonly nodeOptions: string | undefined
  readonly context: StaticContext
}

/** What stays the same in the context of every invocation. */
export interface StaticContext {
  readonly functionName: string
  readonly functionVersion: string
  readonly memoryLimitInMB: string
  readonly logGroupName: string
  readonly logStreamName: string
}

export interface Invocation {
  /** Of the hand-over. */
  readonly number: number
  readonly requestId: string
  readonly functionArn: string
  /** From the moment at which the thread begins with it. */
  readonly timeoutMs: number
  /** JSON text. */
  readonly event: string
  readonly trouble?: Trouble
}

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'log'; readonly text: string }
  | { readonly type: 'result'; readonly payload: string }
  /** The thread is to be killed as it stands. */
  | { readonly type: 'killed' }
  /** `fatal`: the environment ends with it. */
  | { readonly type: 'error'; readonly payload: string; readonly stack: string; readonly fatal: boolean }

/** The error object of an invocation that failed. */
export interface ErrorPayload {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}
