import type { HostTable } from '../../hosts.ts'
import type { SharedTime } from '../../shared-time.ts'
import type { ModuleFolders } from './modules.ts'
import type { Trouble } from './trouble.ts'

/** What passes between an execution environment's thread and the service. */
export interface WorkerData {
  /** See `hand-over.ts`; the thread sleeps on it, frozen, between invocations. */
  readonly handOver: SharedArrayBuffer
  readonly taskRoot: string
  /** `index.handler` */
  readonly handler: string
  readonly hosts: HostTable
  readonly modules: ModuleFolders
  /** Source of `import-hooks.ts`. */
  readonly importHooks: string
  /** What `os.tmpdir()` gives; made when it is first asked for. */
  readonly temporaryFolder: string
  /** Callback handlers, `context.done` and the like: gone from nodejs24.x. */
  readonly allowsCallbacks: boolean
  /** Node refuses a thread whose `NODE_OPTIONS` names options of a process; handlers still see the variable. */
  readonly nodeOptions: string | undefined
  /** The time that the thread lives in; undefined for the machine's. */
  readonly time: { readonly shared: SharedTime | undefined; readonly skewMs: number } | undefined
  /** A debugger may want to speak to the thread while it sleeps. */
  readonly isInspected: boolean
}

/** What an invocation brings with it beside its event; all of it reaches the handler's context. */
export interface InvocationContext {
  /** With the qualifier that it was invoked with. */
  readonly functionArn: string
  /** Header `X-Amz-Client-Context`, decoded: JSON text. */
  readonly clientContext?: string | undefined
  /** JSON text. */
  readonly cognitoIdentity?: string | undefined
  readonly tenantId?: string | undefined
  /** `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0` */
  readonly traceId: string
}

export interface Invocation extends InvocationContext {
  /** Of the hand-over. */
  readonly number: number
  readonly requestId: string
  /** From the moment at which the thread begins with it. */
  readonly timeoutMs: number
  /** JSON text. */
  readonly event: string
  readonly trouble: Trouble | undefined
}

export interface LogLine {
  readonly type: 'log'
  /** As CloudWatch Logs would show it. */
  readonly framed: string
  /** What the function said, and how loudly; undefined for what the runtime adds. */
  readonly said: { readonly level: string; readonly text: string } | undefined
  /** Since the invocation began; undefined while the handler loads. */
  readonly elapsedMs: number | undefined
}

export type FromWorker =
  | { readonly type: 'ready' }
  /** The thread asks to be ended as by a signal. */
  | { readonly type: 'killed' }
  /** `import` found no module that the runtime or a layer may have: the thread starts again with hooks for that. */
  | { readonly type: 'needs-import-hooks' }
  | LogLine
  | { readonly type: 'result'; readonly payload: string; readonly memoryBytes: number }
  /** `fatal`: the environment ends with it. */
  | {
      readonly type: 'error'
      readonly payload: string
      /** For the developer, with causes. */
      readonly stack: string
      readonly fatal: boolean
      readonly memoryBytes: number
    }

/** The error object of an invocation that failed. */
export interface ErrorPayload {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}
