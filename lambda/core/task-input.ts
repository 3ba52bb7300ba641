import { MAX_TITLE_LENGTH } from '../../protocol/limits.ts'
import { type TaskId, taskId } from '../../protocol/ids.ts'
import { type Problem, problem } from './problem.ts'

export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem }

export interface NewTask {
  readonly title: string
  readonly done: boolean
}

export interface TaskPatch {
  readonly title?: string
  readonly done?: boolean
  /** The version that the client has seen. */
  readonly version?: number
}

const accept = <T>(value: T): Checked<T> => ({ ok: true, value })
const refuse = (...args: Parameters<typeof problem>): Checked<never> => ({
  ok: false,
  problem: problem(...args),
})

/** The body of `POST /tasks`: `{"title":"Ship it","done":false}`; `done` may be left out. */
export function parseNewTask(body: string | undefined): Checked<NewTask> {
  const fields = parseFields(body, ['title', 'done'])
  if (!fields.ok) return fields
  const { title, done } = fields.value
  if (title === undefined) return refuse('invalid_field', 'title is missing; expected a string')
  return checkFields(title, done) ?? accept({ title: (title as string).trim(), done: done === true })
}

/** The body of `PATCH /tasks/{id}`: `{"title"?:"…","done"?:true,"version"?:3}`, at least one of the first two. */
export function parseTaskPatch(body: string | undefined): Checked<TaskPatch> {
  const fields = parseFields(body, ['title', 'done', 'version'])
  if (!fields.ok) return fields
  const { title, done, version } = fields.value
  if (title === undefined && done === undefined)
    return refuse('invalid_field', 'nothing to change; expected title, done or both')
  if (version !== undefined && !isVersion(version))
    return refuse('invalid_field', `version is ${shown(version)}; expected a whole number from 1`)
  const complaint = checkFields(title, done)
  if (complaint) return complaint
  return accept({
    ...(title === undefined ? {} : { title: (title as string).trim() }),
    ...(done === undefined ? {} : { done: done === true }),
    ...(version === undefined ? {} : { version }),
  })
}

/** `If-Match: "3"`, the ETag of a task; `*` stands for whatever is there. */
export function parseIfMatch(header: string | undefined): Checked<number | undefined> {
  if (header === undefined || header.trim() === '*') return accept(undefined)
  const [, digits] = /^\s*"(\d{1,15})"\s*$/.exec(header) ?? []
  if (digits !== undefined && Number(digits) > 0) return accept(Number(digits))
  return refuse(
    'invalid_if_match',
    `If-Match is ${shown(header)}; expected a version in quotes such as "3", or *`,
  )
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 100

/** The query of `GET /tasks`: `limit` from 1 to 100, `cursor` from the page before. */
export function parseListQuery(
  query: Readonly<Record<string, string | undefined>>,
): Checked<{ limit: number; after?: TaskId }> {
  const unknown = Object.keys(query).find((name) => name !== 'limit' && name !== 'cursor')
  if (unknown !== undefined)
    return refuse('invalid_query', `unknown parameter ${shown(unknown)}; expected limit or cursor`)
  const { limit: limitText, cursor } = query as { limit?: string; cursor?: string }
  const limit = limitText === undefined ? DEFAULT_LIMIT : Number(limitText)
  if (!/^\d+$/.test(limitText ?? '1') || limit < 1 || limit > MAX_LIMIT)
    return refuse(
      'invalid_query',
      `limit is ${shown(limitText)}; expected a whole number from 1 to ${MAX_LIMIT}`,
    )
  if (cursor === undefined) return accept({ limit })
  const after = readCursor(cursor)
  if (after === undefined)
    return refuse(
      'invalid_cursor',
      `cursor is ${shown(cursor)}; expected the cursor of the page before, unchanged, or none`,
    )
  return accept({ limit, after })
}

/** A cursor carries the last id of a page and a check on it, so that a damaged or edited one is noticed. */
export const writeCursor = (last: TaskId) => `${last}.${checksum(last)}`

function readCursor(cursor: string): TaskId | undefined {
  const dot = cursor.lastIndexOf('.')
  const last = cursor.slice(0, dot)
  return dot > 0 && cursor.slice(dot + 1) === checksum(last) ? taskId(last) : undefined
}

/** FNV-1a of 32 bits: against damage, not against malice, which a cursor gives no power to. */
function checksum(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(36)
}

const isVersion = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1

function parseFields<Name extends string>(
  body: string | undefined,
  allowed: readonly Name[],
): Checked<Partial<Record<Name, unknown>>> {
  let value: unknown
  try {
    value = JSON.parse(body ?? '')
  } catch {
    return refuse(
      'invalid_json',
      `the body can not be parsed as JSON; expected an object with ${allowed.join(', ')}`,
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(
      'invalid_json',
      `the body is JSON but no object; expected an object with ${allowed.join(', ')}`,
    )
  const unknown = Object.keys(value).find((name) => !(allowed as readonly string[]).includes(name))
  if (unknown !== undefined)
    return refuse('invalid_field', `unknown field ${shown(unknown)}; expected ${allowed.join(', ')}`)
  return accept(value)
}

/** @returns the refusal of a bad title or done; undefined when both are fine or left out */
function checkFields(title: unknown, done: unknown): Checked<never> | undefined {
  if (done !== undefined && typeof done !== 'boolean')
    return refuse('invalid_field', `done is ${shown(done)}; expected true or false`)
  if (title === undefined) return undefined
  if (typeof title !== 'string') return refuse('invalid_field', `title is ${shown(title)}; expected a string`)
  const { length } = title.trim()
  if (length === 0 || length > MAX_TITLE_LENGTH)
    return refuse('invalid_field', `title has ${length} characters; expected 1 to ${MAX_TITLE_LENGTH}`)
  return undefined
}

const SHOWN_LENGTH = 40

function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value)
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`
}
