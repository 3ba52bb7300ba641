/**
 * Calls what the user gave. What it throws is the user's and stops nothing here: it surfaces as an uncaught error, as
 * that of an event listener does.
 */
export function call<A extends readonly unknown[]>(
  callback: ((...args: A) => unknown) | undefined,
  ...args: A
): void {
  try {
    callback?.(...args)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
