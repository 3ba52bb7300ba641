import type { Task } from '../protocol/messages.ts'
import { OpenlineError } from './errors.ts'
import { type Given, valueOf, within } from './waiting.ts'

export interface SnapshotOptions {
  /** Base of the REST side, `https://…`, or a function that is asked before each page. */
  readonly rest: Given<string>
  /** Headers of its requests, such as `authorization`. @default none */
  readonly headers?: () => Readonly<Record<string, string>>
  /** @default the global one */
  readonly fetch?: typeof fetch
}

export interface Snapshot {
  readonly tasks: readonly Task[]
  /** The newest of the channel `tasks` before anything was read. */
  readonly offset: number
}

type Page = Snapshot & { readonly cursor?: string }

/** How long a page may take, in milliseconds: longer than any answer of API Gateway does. */
const PAGE_MS = 35_000

/**
 * Reads every page. The offset is that of the first: what a later page shows too early, events repeat.
 * @throws OpenlineError `snapshot_failed` for another answer than 200, and whatever `fetch` throws
 */
export async function readSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const first = await within(PAGE_MS, readPage(options))
  const tasks = [...first.tasks]
  for (let { cursor } = first; cursor !== undefined;) {
    const page = await within(PAGE_MS, readPage(options, `&cursor=${encodeURIComponent(cursor)}`))
    tasks.push(...page.tasks)
    cursor = page.cursor
  }
  return { tasks, offset: first.offset }
}

async function readPage({ rest, headers, fetch: get = fetch }: SnapshotOptions, query = ''): Promise<Page> {
  const url = `${await valueOf(rest)}/tasks?limit=100${query}`
  const response = await get(url, { headers: { ...headers?.() } })
  if (response.ok) return (await response.json()) as Page
  throw snapshotFailed(`GET /tasks was answered with ${response.status}; expected 200`)
}

export const snapshotFailed = (message: string) => new OpenlineError('snapshot_failed', message)
