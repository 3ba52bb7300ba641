/** What is given as it is, or by a function that is asked for it. */
export type Given<T> = T | (() => T | Promise<T>)

/** @throws whatever the function throws */
export const valueOf = async <T extends string | undefined>(value: Given<T>): Promise<T> =>
  typeof value === 'function' ? value() : value

/** @throws Error where it takes longer than `ms` milliseconds; what comes of it later is dropped */
export const within = async <T>(ms: number, promise: Promise<T>): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing has come for ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
