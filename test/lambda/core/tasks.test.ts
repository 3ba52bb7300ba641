import { beforeEach, describe, expect, it } from 'vitest'
import { type TaskRequest, type TaskResponse, handleTaskRequest } from '../../../lambda/core/tasks.ts'
import { TASKS } from '../../../protocol/channel.ts'
import { type TaskId, later, taskId } from '../../../protocol/ids.ts'
import { MAX_TITLE_LENGTH } from '../../../protocol/limits.ts'
import { START, aTask, fakePorts } from '../../support/fakes.ts'

const ID = taskId('t-7')
const NOW = '2026-11-23T09:05:00.000Z'

describe('handleTaskRequest', () => {
  let ports: ReturnType<typeof fakePorts> & { newTaskId: () => TaskId }
  beforeEach(() => {
    ports = { ...fakePorts(), newTaskId: () => taskId('t-new') }
    ports.clock.time = later(START, 300_000)
    ports.tasks.items.set(ID, aTask({ version: 3 }))
  })

  const ask = (route: string, over: Partial<Omit<TaskRequest, 'body'>> & { body?: unknown } = {}) => {
    const { body, ...rest } = over
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const id = route.includes('{id}') ? ID : taskId('')
    return handleTaskRequest({ route, id, query: {}, ifMatch: undefined, ...rest, body: text }, ports)
  }
  const stored = () => ports.tasks.items.get(ID)

  it('creates a task at version 1, its title trimmed', async () => {
    const task = { id: 't-new', title: 'Buy milk', done: false, version: 1, createdAt: NOW, updatedAt: NOW }
    expect(await ask('POST /tasks', { body: { title: '  Buy milk ' } })).toEqual({ status: 201, task })
    expect(ports.tasks.items.get('t-new')).toEqual(task)
  })

  it('reads a task', async () => {
    expect(await ask('GET /tasks/{id}')).toEqual({ status: 200, task: aTask({ version: 3 }) })
  })

  it('changes what is given, the version and the time', async () => {
    const task = aTask({ done: true, version: 4, updatedAt: NOW })
    expect(await ask('PATCH /tasks/{id}', { body: { done: true } })).toEqual({ status: 200, task })
    expect(stored()).toEqual(task)
  })

  it('writes nothing when nothing changes', async () => {
    ports.tasks.beforeWrite = () => expect.unreachable('a write')
    const response = await ask('PATCH /tasks/{id}', { body: { title: ' Ship it', done: false, version: 3 } })
    expect(response).toEqual({ status: 200, task: aTask({ version: 3 }) })
  })

  it('deletes a task', async () => {
    expect(await ask('DELETE /tasks/{id}')).toEqual({ status: 204 })
    expect(stored()).toBeUndefined()
  })

  it.each([
    ['PATCH /tasks/{id}', undefined, { done: true, version: 2 }, 409, 'version_conflict'],
    ['PATCH /tasks/{id}', '"2"', { done: true }, 412, 'precondition_failed'],
    ['PATCH /tasks/{id}', '"2"', { done: true, version: 2 }, 412, 'precondition_failed'],
    ['PATCH /tasks/{id}', '"2"', { done: false }, 412, 'precondition_failed'],
    ['DELETE /tasks/{id}', '"2"', undefined, 412, 'precondition_failed'],
    ['DELETE /tasks/{id}', '3', undefined, 400, 'invalid_if_match'],
    ['DELETE /tasks/{id}', '"0"', undefined, 400, 'invalid_if_match'],
    ['DELETE /tasks/{id}', 'W/"3"', undefined, 400, 'invalid_if_match'],
    ['DELETE /tasks/{id}', undefined, { version: 3 }, 400, 'invalid_field'],
  ])('refuses %s with If-Match %s and %j by %i %s', async (route, ifMatch, body, status, code) => {
    expect(await ask(route, { ifMatch, body })).toMatchObject({ status, code })
    expect(stored()).toEqual(aTask({ version: 3 }))
  })

  it.each(['"3"', '*', ' "3" '])('accepts If-Match %j at version 3', async (ifMatch) => {
    expect(await ask('DELETE /tasks/{id}', { ifMatch })).toEqual({ status: 204 })
  })

  it('applies a change to what somebody quicker has written', async () => {
    ports.tasks.beforeWrite = () => {
      ports.tasks.beforeWrite = () => undefined
      ports.tasks.items.set(ID, aTask({ title: 'Ship it now', version: 4 }))
    }
    const task = aTask({ title: 'Ship it now', done: true, version: 5, updatedAt: NOW })
    expect(await ask('PATCH /tasks/{id}', { body: { done: true } })).toEqual({ status: 200, task })
  })

  it.each([
    [409, 'version_conflict', { body: { done: true, version: 3 } }],
    [412, 'precondition_failed', { body: { done: true }, ifMatch: '"3"' }],
  ])('answers %i when somebody is quicker than a change for version 3', async (status, code, request) => {
    ports.tasks.beforeWrite = () => void ports.tasks.items.set(ID, aTask({ version: 4 }))
    expect(await ask('PATCH /tasks/{id}', request)).toMatchObject({ status, code })
    expect(stored()).toEqual(aTask({ version: 4 }))
  })

  it('answers 409 when the task keeps changing', async () => {
    let version = 3
    ports.tasks.beforeWrite = () => void ports.tasks.items.set(ID, aTask({ version: ++version }))
    expect(await ask('PATCH /tasks/{id}', { body: { done: true } })).toMatchObject({
      status: 409,
      code: 'version_conflict',
      detail: 'task "t-7" keeps changing; read it and try again',
    })
  })

  it.each([
    ['GET /tasks/{id}', undefined],
    ['PATCH /tasks/{id}', { done: true }],
    ['DELETE /tasks/{id}', undefined],
  ])('answers %s of a task that is not there by 404', async (route, body) => {
    expect(await ask(route, { id: taskId('t-none'), body })).toMatchObject({
      status: 404,
      code: 'task_not_found',
    })
  })

  it('answers a route that is none by 404', async () => {
    expect(await ask('PUT /tasks/{id}')).toMatchObject({ status: 404, code: 'route_not_found' })
  })

  it.each([
    [undefined, 'invalid_json'],
    ['no json', 'invalid_json'],
    ['null', 'invalid_json'],
    ['[]', 'invalid_json'],
    [{ colour: 'red', title: 'x', done: true }, 'invalid_field'],
    [{ title: 7 }, 'invalid_field'],
    [{ title: null }, 'invalid_field'],
    [{ title: '   ' }, 'invalid_field'],
    [{ title: 'x'.repeat(10_000) }, 'invalid_field'],
    [{ title: 'x'.repeat(MAX_TITLE_LENGTH + 1) }, 'invalid_field'],
    [{ title: 'x', done: 'yes' }, 'invalid_field'],
    [{}, 'invalid_field'],
  ])('refuses a body of %j by 400 %s, for POST and for PATCH', async (body, code) => {
    for (const route of ['POST /tasks', 'PATCH /tasks/{id}'])
      expect(await ask(route, { body })).toMatchObject({ status: 400, code })
    expect([...ports.tasks.items.keys()]).toEqual([ID])
    expect(stored()).toEqual(aTask({ version: 3 }))
  })

  it('says how long a title of 10,000 characters is, and does not repeat it', async () => {
    expect(await ask('POST /tasks', { body: { title: 'x'.repeat(10_000) } })).toMatchObject({
      detail: `title has 10000 characters; expected 1 to ${MAX_TITLE_LENGTH}`,
    })
  })

  it.each([0, 1.5, '3', null])('refuses a version of %j', async (version) => {
    const body = { done: true, version }
    expect(await ask('PATCH /tasks/{id}', { body })).toMatchObject({ status: 400, code: 'invalid_field' })
  })

  describe('of a list', () => {
    beforeEach(() => {
      ports.tasks.items.clear()
      for (const id of ['t-1', 't-2', 't-3']) ports.tasks.items.set(id, aTask({ id: taskId(id) }))
    })

    const page = async (query: Record<string, string>) =>
      (await ask('GET /tasks', { query })) as Extract<TaskResponse, { tasks: unknown }>

    it('gives page after page, and no cursor on the last', async () => {
      const first = await page({ limit: '2' })
      expect(first.tasks.map(({ id }) => id)).toEqual(['t-1', 't-2'])
      const last = await page({ limit: '2', cursor: first.cursor ?? '' })
      expect(last).toEqual({ status: 200, tasks: [aTask({ id: taskId('t-3') })], offset: first.offset })
    })

    it('gives the offset of the channel from before it read the items', async () => {
      const newest = await ports.log.append(TASKS, [], START)
      const list = ports.tasks.list.bind(ports.tasks)
      ports.tasks.list = async (limit, after) => {
        await ports.log.append(TASKS, [], START) // somebody's change, while the page is read
        return list(limit, after)
      }
      expect((await page({})).offset).toBe(newest)
    })

    it('refuses a cursor that was tampered with', async () => {
      const { cursor = '' } = await page({ limit: '2' })
      for (const bad of [cursor.replace('t-2', 't-1'), `${cursor}x`, cursor.slice(0, -1), 't-2', '.', ''])
        expect(await page({ cursor: bad }), bad).toMatchObject({ status: 400, code: 'invalid_cursor' })
    })

    it.each(['0', '101', '-1', '1.5', '', 'ten', '1e1'])('refuses a limit of %j', async (limit) => {
      expect(await page({ limit })).toMatchObject({ status: 400, code: 'invalid_query' })
    })

    it('refuses an unknown parameter', async () => {
      expect(await page({ page: '2' })).toMatchObject({ status: 400, code: 'invalid_query' })
    })
  })
})
