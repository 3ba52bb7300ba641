import { type ArrayList, isEqual, isMap, listOf, toText, type VtlMap } from './values.ts'

/**
 * The methods of Java's strings, lists, maps, numbers and booleans that templates call. There are no others: no path of
 * a template leads to an object of this process.
 */
export type Method<T> = (self: T, ...args: readonly unknown[]) => unknown

type Methods<T> = Readonly<Record<string, Method<T>>>

const text = (value: unknown) => toText(value)
const index = (value: unknown) => Math.trunc(Number(value))
const optional = (value: unknown) => (value === undefined ? undefined : index(value))

/** Of every value. */
const COMMON: Methods<unknown> = {
  toString: toText,
  equals: (self, other) => typeof self === typeof other && isEqual(self, other),
}

const STRING: Methods<string> = {
  length: (self) => self.length,
  isEmpty: (self) => self === '',
  toUpperCase: (self) => self.toUpperCase(),
  toLowerCase: (self) => self.toLowerCase(),
  trim: (self) => self.trim(),
  concat: (self, more) => self + text(more),
  charAt: (self, at) => self.charAt(index(at)),
  substring: (self, from, to) => substring(self, index(from), optional(to) ?? self.length),
  indexOf: (self, part, from) => self.indexOf(text(part), optional(from)),
  lastIndexOf: (self, part, from) => self.lastIndexOf(text(part), optional(from)),
  contains: (self, part) => self.includes(text(part)),
  startsWith: (self, part, from) => self.startsWith(text(part), optional(from)),
  endsWith: (self, part) => self.endsWith(text(part)),
  equalsIgnoreCase: (self, other) => self.toLowerCase() === text(other).toLowerCase(),
  compareTo: (self, other) => compare(self, text(other)),
  matches: (self, pattern) => new RegExp(`^(?:${text(pattern)})$`, 'su').test(self),
  replace: (self, part, by) => self.replaceAll(text(part), () => text(by)),
  replaceAll: (self, pattern, by) => replace(self, new RegExp(text(pattern), 'gu'), text(by)),
  replaceFirst: (self, pattern, by) => replace(self, new RegExp(text(pattern), 'u'), text(by)),
  split: (self, pattern, limit) => split(self, text(pattern), optional(limit) ?? 0),
  valueOf: (_self: string, value: unknown) => toText(value),
}

const LIST: Methods<unknown[]> = {
  size: (self) => self.length,
  count: (self) => self.length,
  isEmpty: (self) => self.length === 0,
  get: (self, at) => self[index(at)],
  contains: (self, item) => self.some((each) => isEqual(each, item)),
  indexOf: (self, item) => self.findIndex((each) => isEqual(each, item)),
  add: (self, first, second) => {
    if (second === undefined) self.push(first)
    else self.splice(index(first), 0, second)
    return second === undefined ? true : undefined
  },
  addAll: (self, items) => {
    if (Array.isArray(items)) self.push(...(items as unknown[]))
    return true
  },
  set: (self, at, item) => {
    const [before] = self.splice(index(at), 1, item)
    return before
  },
  remove: (self, item) => {
    const at = typeof item === 'number' ? item : self.findIndex((each) => isEqual(each, item))
    const [removed] = at < 0 ? [] : self.splice(at, 1)
    return typeof item === 'number' ? removed : at >= 0
  },
  subList: (self, from, to) => listOf(self.slice(index(from), index(to))),
  clear: (self) => void self.splice(0),
}

const own = (self: VtlMap, key: unknown) => (Object.hasOwn(self, toText(key)) ? self[toText(key)] : undefined)

const MAP: Methods<VtlMap> = {
  size: (self) => Object.keys(self).length,
  count: (self) => Object.keys(self).length,
  isEmpty: (self) => Object.keys(self).length === 0,
  get: own,
  getOrDefault: (self, key, other) => own(self, key) ?? other,
  containsKey: (self, key) => Object.hasOwn(self, toText(key)),
  containsValue: (self, value) => Object.values(self).some((each) => isEqual(each, value)),
  keySet: (self) => listOf(Object.keys(self)),
  values: (self) => listOf(Object.values(self)),
  entrySet: (self) => listOf(Object.entries(self).map(([key, value]) => ({ key, value }))),
  put: (self, key, value) => {
    const before = own(self, key)
    putOwn(self, toText(key), value)
    return before
  },
  putAll: (self, entries) => {
    if (isMap(entries)) for (const [key, value] of Object.entries(entries)) putOwn(self, key, value)
  },
  remove: (self, key) => {
    const before = own(self, key)
    Reflect.deleteProperty(self, toText(key))
    return before
  },
  clear: (self) => {
    for (const key of Object.keys(self)) Reflect.deleteProperty(self, key)
  },
}

/** `#set($Integer = 0)` and then `$Integer.parseInt("5")` is how templates turn text into numbers. */
const NUMBER: Methods<number> = {
  intValue: (self) => Math.trunc(self),
  longValue: (self) => Math.trunc(self),
  doubleValue: (self) => self,
  floatValue: (self) => self,
  compareTo: (self, other) => Math.sign(self - Number(other)),
  parseInt: (_self, value) => parseNumber(value),
  parseLong: (_self, value) => parseNumber(value),
  parseDouble: (_self, value) => parseNumber(value),
  valueOf: (_self: number, value: unknown) => parseNumber(value),
}

const BOOLEAN: Methods<boolean> = {
  booleanValue: (self) => self,
  compareTo: (self, other) => Number(self) - Number(other === true),
  parseBoolean: (_self, value) => toText(value).toLowerCase() === 'true',
}

/** An own property whatever its name, `__proto__` included. */
export function putOwn(map: VtlMap, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true })
}

/** @returns undefined when the value has no such method */
export function methodOf(
  self: unknown,
  name: string,
): ((...args: readonly unknown[]) => unknown) | undefined {
  const bound = <T>(methods: Methods<T>, value: T) => {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined
    return method && ((...args: readonly unknown[]) => method(value, ...args))
  }
  const common = bound(COMMON, self)
  if (Array.isArray(self)) return bound(LIST, self as unknown[]) ?? common
  if (isMap(self)) return bound(MAP, self) ?? getter(self, name) ?? common
  if (typeof self === 'string') return bound(STRING, self) ?? common
  if (typeof self === 'number') return bound(NUMBER, self) ?? common
  if (typeof self === 'boolean') return bound(BOOLEAN, self) ?? common
  return undefined
}

/** `getKey()` of an entry is its `key`. */
function getter(self: VtlMap, name: string): (() => unknown) | undefined {
  const [, first, rest] = /^get([A-Z])(.*)$/.exec(name) ?? []
  return first === undefined ? undefined : () => own(self, first.toLowerCase() + (rest ?? ''))
}

function substring(self: string, from: number, to: number): string {
  if (from < 0 || to > self.length || from > to)
    throw new RangeError(`begin ${from}, end ${to}, length ${self.length}`)
  return self.slice(from, to)
}

const compare = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0)

/** In a replacement of Java `$1` is a group and a backslash takes the next character as it is. */
function replace(self: string, pattern: RegExp, by: string): string {
  return self.replace(pattern, (...found: readonly unknown[]) =>
    by.replace(/\\(.)|\$(\d)/gs, (_, escaped: string | undefined, group: string | undefined) =>
      escaped === undefined ? text(found[Number(group)]) : escaped,
    ),
  )
}

/** As Java splits: empty parts at the end are dropped unless a limit is given. */
function split(self: string, pattern: string, limit: number): ArrayList {
  const parts: string[] = []
  let from = 0
  for (const match of self.matchAll(new RegExp(pattern, 'gu'))) {
    if (limit > 0 && parts.length === limit - 1) break
    const end = match.index + match[0].length
    if (end === 0 || (match[0] === '' && match.index >= self.length)) continue
    parts.push(self.slice(from, match.index))
    from = end
  }
  parts.push(self.slice(from))
  if (limit === 0) while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return listOf(parts)
}

function parseNumber(value: unknown): number {
  const number = Number(toText(value).trim() || Number.NaN)
  if (Number.isNaN(number)) throw new RangeError(`for input string: "${toText(value)}"`)
  return number
}
