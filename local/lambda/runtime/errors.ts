import { types } from 'node:util'
import type { ErrorPayload } from './protocol.ts'

/** A failure that the runtime names, such as `Runtime.ImportModuleError`. */
export class RuntimeError extends Error {
  constructor(type: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = type
    // The stack begins with the name that stands when it is captured.
    Error.captureStackTrace(this, RuntimeError)
  }
}

/** What Lambda's runtime makes of anything that was thrown: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
export function describeError(thrown: unknown): ErrorPayload {
  try {
    if (isErrorLike(thrown)) {
      const { name, message, stack } = thrown
      return { errorType: name, errorMessage: message, trace: stack.split('\n') }
    }
    return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] }
  } catch {
    // A getter threw, or there is nothing to make text of.
    return {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    }
  }
}

type ErrorLike = Required<Pick<Error, 'name' | 'message' | 'stack'>>

function isErrorLike(value: unknown): value is ErrorLike {
  if (types.isNativeError(value)) return true
  const { name, message, stack } = (value ?? {}) as Partial<Record<keyof Error, unknown>>
  return [name, message, stack].every((part) => typeof part === 'string' && part !== '')
}

/** The stack with those of its causes, for the developer. */
export function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `thrown: ${describeError(thrown).errorMessage}`
  const own = thrown.stack ?? String(thrown)
  return thrown.cause instanceof Error ? `${own}\ncaused by ${stackOf(thrown.cause)}` : own
}

/** What an error carries beside name, message and stack: `code`, and what its class adds. */
export const ownFields = (error: Error): Record<string, unknown> => Object.fromEntries(Object.entries(error))

/** As the runtime logs an error: JSON with what the error carries beside name, message and stack. */
export function errorAsJson(thrown: unknown): string {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  try {
    return JSON.stringify(error, (_key, value: unknown) =>
      value instanceof Error
        ? {
            errorType: value.name,
            errorMessage: value.message,
            ...ownFields(value),
            stack: value.stack?.split('\n'),
          }
        : value,
    )
  } catch {
    return JSON.stringify(describeError(error)) // something in it is circular
  }
}
