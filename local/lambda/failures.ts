import type { InvokeResult } from './invoker.ts'
import { MAX_RESPONSE_BYTES } from './limits.ts'

/** What an invocation gives back whose function did not. */
export const failure = (errorType: string, errorMessage: string): InvokeResult => ({
  payload: JSON.stringify({ errorType, errorMessage }),
  functionError: 'Unhandled',
})

export const tooLarge = (): InvokeResult =>
  failure(
    'Function.ResponseSizeTooLarge',
    `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
  )

/** As Lambda words the end of a runtime's process. */
export function exitReason(end: number | Error): string {
  if (end === 0) return 'Error: Runtime exited without providing a reason'
  if (typeof end === 'number') return `Error: Runtime exited with error: exit status ${end}`
  const isMemory = (end as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
  return `Error: Runtime exited with error: ${isMemory ? 'signal: killed' : end.message}`
}
