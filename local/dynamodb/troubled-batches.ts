import type { Faults, Strike } from '../faults.ts'
import type { FunctionInvoker, InvokeResult } from '../lambda/invoker.ts'

const KINDS = ['stream.redeliver', 'stream.resplit', 'stream.double'] as const

/**
 * Hands batches of records over to functions, some of them more than once, as Lambda may: "event source mappings process
 * each event at least once, and duplicate processing of records can occur".
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
 */
export function withBatchFaults(functions: FunctionInvoker, faults: Faults): FunctionInvoker {
  return {
    invoke: async (target, event) => {
      const strike = faults.strike(KINDS, target)
      const invoke = (given: unknown) => functions.invoke(target, given)
      if (!strike) return invoke(event)
      if (strike.kind === 'stream.double')
        return firstFailure(await Promise.all([invoke(event), invoke(event)]))
      const result = await invoke(event)
      // What failed comes again anyhow.
      if (!isDone(result)) return result
      const parts = strike.kind === 'stream.resplit' ? split(event, strike) : [event]
      for (const part of parts) {
        const again = await invoke(part)
        if (!isDone(again)) return again
      }
      return result
    },
    invokeAsync: (target, event) => functions.invokeAsync(target, event),
  }
}

/** Two parts of the batch, cut anywhere; a batch of one can't be cut. */
function split(event: unknown, { chance }: Strike): unknown[] {
  const { Records: records } = event as { readonly Records: readonly unknown[] }
  if (records.length < 2) return [event]
  const at = 1 + Math.floor(chance * (records.length - 1))
  return [records.slice(0, at), records.slice(at)].map((Records) => ({ ...(event as object), Records }))
}

const firstFailure = (results: readonly InvokeResult[]): InvokeResult =>
  results.find((result) => !isDone(result)) ?? (results[0] as InvokeResult)

/** Whether all records are handled: the function has not failed, and names none that is to come again. */
const isDone = ({ functionError, payload }: InvokeResult) =>
  functionError === undefined && !/"itemIdentifier"/.test(payload)
