import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Callback, type ThreadTimers, Timeout } from './timers.ts'

interface WaitOptions {
  readonly signal?: AbortSignal
  readonly ref?: boolean
}

/** As Node's, which it does not export. */
class AbortError extends Error {
  override readonly name = 'AbortError'
  readonly code = 'ABORT_ERR'

  constructor({ reason }: AbortSignal) {
    super('The operation was aborted', { cause: reason })
  }
}

const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis
const machine = { ...timersPromises, abortTimeout: AbortSignal.timeout.bind(AbortSignal) }

/**
 * Puts timers in the place of Node's, for code of both kinds of module. Arguments that Node refuses are left to Node,
 * which has the words for that.
 */
export function replaceTimers(threadTimers: ThreadTimers): void {
  const functions = timerFunctions(threadTimers)
  const promises = promiseFunctions(threadTimers)
  Object.defineProperty(functions.setTimeout, promisify.custom, {
    enumerable: true,
    get: () => promises.setTimeout,
  })
  Object.assign(globalThis, functions)
  Object.assign(timers, functions)
  Object.assign(timersPromises, promises)
  const wait = (delay?: number, options?: WaitOptions) => promises.setTimeout(delay, undefined, options)
  Object.assign(timersPromises.scheduler, { wait })
  Object.assign(AbortSignal, { timeout: abortTimeout(threadTimers) })
  syncBuiltinESMExports()
}

function timerFunctions(threadTimers: ThreadTimers) {
  const clear = (timeout: unknown, clearMachines: typeof clearTimeout) => {
    if (timeout instanceof Timeout) timeout.close()
    else if (typeof timeout === 'number' || typeof timeout === 'string')
      threadTimers.numbered(timeout)?.close()
    else clearMachines(timeout as NodeJS.Timeout | undefined)
  }
  return {
    setTimeout: (callback: Callback, delay?: unknown, ...args: unknown[]): Timeout | NodeJS.Timeout => {
      if (typeof callback !== 'function') return setTimeout(callback)
      return threadTimers.start({ callback, delay, args })
    },
    setInterval(callback: Callback, delay?: unknown, ...args: unknown[]): Timeout | NodeJS.Timeout {
      if (typeof callback !== 'function') return setInterval(callback)
      return threadTimers.start({ callback, delay, args, repeats: true })
    },
    clearTimeout(timeout?: unknown): void {
      clear(timeout, clearTimeout)
    },
    clearInterval(timeout?: unknown): void {
      clear(timeout, clearInterval)
    },
  }
}

/** Those of `node:timers/promises`. */
function promiseFunctions(threadTimers: ThreadTimers) {
  return {
    setTimeout: <T>(delay?: number, value?: T, options: WaitOptions = {}): Promise<T | undefined> => {
      if (!isValid(delay, options)) return machine.setTimeout(delay, value, options)
      const { signal, ref = true } = options
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(new AbortError(signal))
        const abort = () => {
          timeout.close()
          if (signal) reject(new AbortError(signal))
        }
        const callback = () => {
          signal?.removeEventListener('abort', abort)
          resolve(value)
        }
        const timeout = threadTimers.start({ callback, delay, isRef: ref })
        signal?.addEventListener('abort', abort, { once: true })
      })
    },
    async *setInterval<T>(
      delay?: number,
      value?: T,
      options: WaitOptions = {},
    ): AsyncGenerator<T | undefined> {
      if (!isValid(delay, options)) {
        yield* machine.setInterval(delay, value, options)
        return
      }
      const { signal, ref = true } = options
      if (signal?.aborted) throw new AbortError(signal)
      let due = 0
      let wake: (() => void) | undefined
      const callback = () => {
        due++
        wake?.()
      }
      const abort = () => {
        timeout.close()
        wake?.()
      }
      const timeout = threadTimers.start({ callback, delay, repeats: true, isRef: ref })
      signal?.addEventListener('abort', abort, { once: true })
      try {
        for (;;) {
          if (due === 0 && !signal?.aborted) await new Promise<void>((resolve) => (wake = resolve))
          if (signal?.aborted) throw new AbortError(signal)
          for (; due > 0; due--) yield value
        }
      } finally {
        timeout.close()
        signal?.removeEventListener('abort', abort)
      }
    },
  }
}

function abortTimeout(threadTimers: ThreadTimers): typeof AbortSignal.timeout {
  return function timeout(delay) {
    if (!(Number.isInteger(delay) && delay >= 0 && delay < 2 ** 32)) return machine.abortTimeout(delay)
    const controller = new AbortController()
    const callback = () =>
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    threadTimers.start({ callback, delay, isRef: false })
    return controller.signal
  }
}

const isValid = (delay: unknown, options: unknown): options is WaitOptions => {
  if (typeof options !== 'object' || options === null) return false
  const { signal, ref } = options as Record<keyof WaitOptions, unknown>
  return (
    (delay === undefined || typeof delay === 'number') &&
    (signal === undefined || signal instanceof AbortSignal) &&
    (ref === undefined || typeof ref === 'boolean')
  )
}
