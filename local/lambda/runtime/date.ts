/**
 * Has `Date` tell another time than the machine's wherever it is asked for the present: `Date()`, `new Date()`,
 * `Date.now()`, and the same of classes that extend it. Everything else is Node's own.
 * @param now epoch milliseconds, whole ones
 */
export function replaceDate(now: () => number): void {
  const machines = Date
  const replaced = new Proxy(machines, {
    apply: () => new machines(now()).toString(),
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  })
  machines.now = Object.defineProperty(() => now(), 'name', { value: 'now' })
  Object.defineProperty(machines.prototype, 'constructor', { value: replaced })
  globalThis.Date = replaced
}
