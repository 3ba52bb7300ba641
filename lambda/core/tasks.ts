import { TASKS } from '../../protocol/channel.ts'
import { type Offset, type TaskId, isoTime } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/messages.ts'
import type { ChannelLog, Clock, TaskStore } from './ports.ts'
import { type Problem, problem } from './problem.ts'
import { parseIfMatch, parseListQuery, parseNewTask, parseTaskPatch, writeCursor } from './task-input.ts'

export interface TaskDeps {
  readonly tasks: TaskStore
  readonly log: Pick<ChannelLog, 'newest'>
  readonly clock: Clock
  readonly newTaskId: () => TaskId
}

/** A request of the REST side, its body still text. */
export interface TaskRequest {
  /** `PATCH /tasks/{id}`, as the template names the route. */
  readonly route: string
  /** `{id}` of the path; empty where the route has none. */
  readonly id: TaskId
  readonly query: Readonly<Record<string, string | undefined>>
  readonly ifMatch: string | undefined
  readonly body: string | undefined
}

export type TaskResponse =
  | { readonly status: 201; readonly task: Task }
  | { readonly status: 200; readonly task: Task }
  | {
      readonly status: 200
      readonly tasks: readonly Task[]
      /** The newest offset of `tasks` before the items were read: what the page does not show comes after it. */
      readonly offset: Offset
      readonly cursor?: string
    }
  | { readonly status: 204 }
  | Problem

/** Answers one request. Expected trouble is a `Problem`, never a throw. */
export async function handleTaskRequest(request: TaskRequest, deps: TaskDeps): Promise<TaskResponse> {
  switch (request.route) {
    case 'POST /tasks':
      return createTask(request, deps)
    case 'GET /tasks':
      return listTasks(request, deps)
    case 'GET /tasks/{id}':
      return readTask(request, deps)
    case 'PATCH /tasks/{id}':
      return changeTask(request, deps)
    case 'DELETE /tasks/{id}':
      return deleteTask(request, deps)
    default:
      return problem('route_not_found', `no route "${request.route}"`)
  }
}

async function createTask(request: TaskRequest, deps: TaskDeps): Promise<TaskResponse> {
  const input = parseNewTask(request.body)
  if (!input.ok) return input.problem
  const now = isoTime(deps.clock.now())
  const task: Task = { id: deps.newTaskId(), ...input.value, version: 1, createdAt: now, updatedAt: now }
  await deps.tasks.create(task)
  return { status: 201, task }
}

async function listTasks(request: TaskRequest, deps: TaskDeps): Promise<TaskResponse> {
  const query = parseListQuery(request.query)
  if (!query.ok) return query.problem
  // First the offset: a change between the two reads is in the page or comes after the offset, or both.
  const offset = await deps.log.newest(TASKS, deps.clock.now())
  const { tasks, next } = await deps.tasks.list(query.value.limit, query.value.after)
  return { status: 200, tasks, offset, ...(next === undefined ? {} : { cursor: writeCursor(next) }) }
}

async function readTask({ id }: TaskRequest, deps: TaskDeps): Promise<TaskResponse> {
  const task = await deps.tasks.find(id)
  return task === undefined ? notFound(id) : { status: 200, task }
}

async function changeTask(request: TaskRequest, deps: TaskDeps): Promise<TaskResponse> {
  const patch = parseTaskPatch(request.body)
  if (!patch.ok) return patch.problem
  const { version, ...changes } = patch.value
  return whenCurrent(request, version, deps, async (task) => {
    const changed = { ...task, ...changes }
    // Nothing changes: no write, no version, no event.
    if (changed.title === task.title && changed.done === task.done) return { status: 200, task }
    const next: Task = { ...changed, version: task.version + 1, updatedAt: isoTime(deps.clock.now()) }
    return (await deps.tasks.replace(next)) === 'conflict' ? 'conflict' : { status: 200, task: next }
  })
}

async function deleteTask(request: TaskRequest, deps: TaskDeps): Promise<TaskResponse> {
  if (request.body !== undefined && request.body !== '')
    return problem('invalid_field', 'DELETE takes no body; give the version in If-Match')
  return whenCurrent(request, undefined, deps, async (task) =>
    (await deps.tasks.remove(task.id, task.version)) === 'conflict' ? 'conflict' : { status: 204 },
  )
}

/** Attempts at a write that others keep overtaking. */
const MAX_ATTEMPTS = 8

/**
 * Reads the task, checks the version that the client has seen (in `If-Match`: 412, in the body: 409) and writes; a
 * write that somebody overtook starts again, so that the client hears the newest state.
 */
async function whenCurrent(
  { id, ifMatch }: TaskRequest,
  bodyVersion: number | undefined,
  deps: TaskDeps,
  write: (task: Task) => Promise<TaskResponse | 'conflict'>,
): Promise<TaskResponse> {
  const header = parseIfMatch(ifMatch)
  if (!header.ok) return header.problem
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const task = await deps.tasks.find(id)
    if (task === undefined) return notFound(id)
    if (header.value !== undefined && header.value !== task.version)
      return problem('precondition_failed', staleness(task, header.value))
    if (bodyVersion !== undefined && bodyVersion !== task.version)
      return problem('version_conflict', staleness(task, bodyVersion))
    const outcome = await write(task)
    if (outcome !== 'conflict') return outcome
  }
  return problem('version_conflict', `task "${id}" keeps changing; read it and try again`)
}

const staleness = (task: Task, seen: number) =>
  `task "${task.id}" is at version ${task.version}, the request is for version ${seen}; read it and try again`

const notFound = (id: TaskId) => problem('task_not_found', `no task "${id}"; it may have been deleted`)
