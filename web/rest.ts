import type { Task } from '../protocol/messages.ts'

/** The REST side's changes. Everything throws an Error with the `detail` of the problem that was answered. */
export class TasksApi {
  /** `http://localhost:4502` */
  readonly base: () => Promise<string>

  constructor(base: () => Promise<string>) {
    this.base = base
  }

  async add(title: string): Promise<Task> {
    return (await this.#call('POST', '/tasks', { title })) as Task
  }

  async tick({ id, version }: Task, done: boolean): Promise<Task> {
    return (await this.#call('PATCH', `/tasks/${encodeURIComponent(id)}`, { done }, version)) as Task
  }

  async remove({ id, version }: Task): Promise<void> {
    await this.#call('DELETE', `/tasks/${encodeURIComponent(id)}`, undefined, version)
  }

  async #call(method: string, path: string, body?: unknown, version?: number): Promise<unknown> {
    const headers: Record<string, string> = {}
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (version !== undefined) headers['if-match'] = `"${version}"`
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await fetch((await this.base()) + path, init).catch((cause: unknown) => {
      throw new Error('the service can not be reached; try again', { cause })
    })
    const text = await response.text()
    if (response.ok) return text === '' ? undefined : (JSON.parse(text) as unknown)
    throw new Error(detailOf(text) ?? `the service answered ${response.status}; try again`)
  }
}

function detailOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { detail?: string }).detail
  } catch {
    return undefined // not a problem of ours: a proxy's page
  }
}
