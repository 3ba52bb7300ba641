import type { Clock, Timer } from '../clock.ts'
import type { InvocationDestinations } from '../destination.ts'
import type { Log } from '../log.ts'
import type { EventInvokeConfig } from './event-invoke-config.ts'
import { FunctionThrottledError, type InvokeResult } from './invoker.ts'
import { ASYNC_RETRY_MS, THROTTLE_BACKOFF_MS } from './limits.ts'
import { LATEST } from './qualifiers.ts'

export interface AsyncInvocationOptions {
  readonly functionName: string
  /** With the qualifier that it was invoked with, else with `$LATEST`. */
  readonly functionArn: string
  readonly requestId: string
  readonly event: unknown
  readonly config: EventInvokeConfig
  /** Queue that gets the event when it is given up. */
  readonly deadLetterArn: string | undefined
  /** Reserved concurrency of 0: nothing of this function ever runs. */
  readonly isSwitchedOff: boolean
  readonly clock: Clock
  readonly log: Log
  readonly destinations: InvocationDestinations
  /** @throws FunctionThrottledError */
  readonly invoke: () => Promise<InvokeResult>
  readonly invokeDestination: (functionArn: string, record: unknown) => void
  /** The invocation is over, whichever way. */
  readonly onEnd: () => void
}

type Condition = 'Success' | 'RetriesExhausted' | 'EventAgeExceeded' | 'ZeroReservedConcurrency'

/**
 * One event that was accepted with 202: tried until it succeeds or is given up, then told to its destination.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export class AsyncInvocation {
  readonly #options: AsyncInvocationOptions
  readonly #acceptedAt: number
  #tries = 0
  #throttles = 0
  #lastResult: InvokeResult | undefined
  #timer: Timer | undefined
  #isCancelled = false

  constructor(options: AsyncInvocationOptions) {
    this.#options = options
    this.#acceptedAt = options.clock.now()
  }

  /** Tries it at once. */
  start(): void {
    if (this.#options.isSwitchedOff) this.#end('ZeroReservedConcurrency')
    else void this.#try()
  }

  /** Forgets it: the stack ends. */
  cancel(): void {
    this.#isCancelled = true
    this.#timer?.cancel()
  }

  async #try(): Promise<void> {
    const { invoke, config, functionName, requestId, log } = this.#options
    let result: InvokeResult
    try {
      result = await invoke()
    } catch (error) {
      if (!(error instanceof FunctionThrottledError)) {
        log.error(functionName, `asynchronous invocation ${requestId}: ${String(error)}`)
        this.#end('RetriesExhausted')
        return
      }
      const { first, last } = THROTTLE_BACKOFF_MS
      this.#again(Math.min(first * 2 ** this.#throttles++, last), 'it is throttled')
      return
    }
    if (this.#isCancelled) return
    this.#tries++
    this.#lastResult = result
    if (!result.functionError) this.#end('Success')
    else if (this.#tries > config.maxRetries) this.#end('RetriesExhausted')
    else this.#again(ASYNC_RETRY_MS[this.#tries - 1] ?? 0, 'it failed')
  }

  #again(delayMs: number, reason: string): void {
    if (this.#isCancelled) return
    const { clock, log, functionName, requestId, config } = this.#options
    const age = clock.now() - this.#acceptedAt
    if (age + delayMs > config.maxEventAgeMs) {
      this.#timer = clock.after(config.maxEventAgeMs - age, () => this.#end('EventAgeExceeded'))
      return
    }
    log.warn(
      functionName,
      `asynchronous invocation ${requestId}: ${reason}; trying again in ${delayMs / 1000} s`,
    )
    this.#timer = clock.after(delayMs, () => void this.#try())
  }

  #end(condition: Condition): void {
    const { config, deadLetterArn, event, requestId, destinations, functionName, log, onEnd } = this.#options
    onEnd()
    if (condition === 'Success') {
      if (config.onSuccess !== undefined) this.#tell(config.onSuccess, condition)
      return
    }
    log.error(functionName, `asynchronous invocation ${requestId} is given up (${condition})`)
    if (deadLetterArn !== undefined)
      destinations.send(deadLetterArn, JSON.stringify(event), {
        RequestID: requestId,
        ErrorCode: '200',
        ErrorMessage: (this.#lastResult?.payload ?? condition).slice(0, 1024),
      })
    if (config.onFailure !== undefined) this.#tell(config.onFailure, condition)
  }

  /** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
  #tell(destination: string, condition: Condition): void {
    const { functionArn, requestId, event, clock, destinations, invokeDestination, functionName, log } =
      this.#options
    const result = this.#lastResult
    const record = {
      version: '1.0',
      timestamp: new Date(clock.now()).toISOString(),
      requestContext: { requestId, functionArn, condition, approximateInvokeCount: this.#tries },
      requestPayload: event,
      ...(result
        ? {
            responseContext: {
              statusCode: 200,
              executedVersion: result.executedVersion ?? LATEST,
              ...(result.functionError ? { functionError: result.functionError } : {}),
            },
            responsePayload: JSON.parse(result.payload) as unknown,
          }
        : {}),
    }
    const service = destination.split(':')[2]
    if (service === 'lambda') invokeDestination(destination, record)
    else if (service === 'sqs') destinations.send(destination, JSON.stringify(record))
    else if (service === 'events') {
      const outcome = condition === 'Success' ? 'Success' : 'Failure'
      const detailType = `Lambda Function Invocation Result - ${outcome}`
      destinations.publish(destination, detailType, record, [functionArn, destination])
    } else
      log.error(
        functionName,
        `the destination "${destination}" is not emulated; lost is ${JSON.stringify(record)}`,
      )
  }
}
