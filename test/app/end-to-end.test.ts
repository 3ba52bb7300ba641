import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startOpenline, synthesizeOpenline } from '../support/openline.ts'

let app: Awaited<ReturnType<typeof synthesizeOpenline>>
beforeAll(async () => (app = await synthesizeOpenline()))
afterAll(() => app.remove())

describe('the service on the local stack', () => {
  let openline: Awaited<ReturnType<typeof startOpenline>>
  beforeEach(async () => void (openline = await startOpenline(app.assembly)))
  afterEach(async () => openline.close())

  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(openline.rest + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      etag: response.headers.get('etag'),
      body: (text ? JSON.parse(text) : undefined) as Record<string, unknown>,
    }
  }
  const create = async (title: string) => (await call('POST', '/tasks', { title })).body
  /** Waits until nothing of a connection is left. */
  const forgotten = (id: string) =>
    vi.waitFor(async () => expect(await openline.tracesOf(id)).toEqual([]), { timeout: 20_000, interval: 20 })

  it('echoes, and says Goodbye to Bye', async () => {
    const client = openline.connect('?channel=echo')
    expect(await client.text()).toBe('Connected. Say something.')
    client.send('hello')
    expect(await client.text()).toBe('You said: hello')
    client.send('Bye')
    expect(await client.text()).toBe('Goodbye')
    expect(await client.closed).toBe(1000)
    await vi.waitFor(async () => expect(await openline.connectionIds()).toEqual([]), { timeout: 20_000 })
  })

  it('carries what one says in a room to both', async () => {
    const [alice, bob] = [openline.connect('?channel=chat/lobby'), openline.connect('?channel=chat/lobby')]
    await alice.frame()
    await bob.frame()
    alice.send('hi all')
    const frames = [await alice.frame(), await bob.frame()]
    expect(frames[0]).toMatchObject({ type: 'events', events: [{ type: 'chat.message', data: 'hi all' }] })
    expect(frames[1]).toEqual(frames[0])
  })

  it('answers ping with pong, and no function runs', async () => {
    const client = openline.connect()
    await client.frame()
    const before = openline.lines.filter((line) => line.includes('START')).length
    expect(await client.ask({ action: 'ping' })).toEqual({ type: 'pong' })
    expect(openline.lines.filter((line) => line.includes('START')).length).toBe(before)
  })

  it('carries each change of a task to the viewers of all tasks and of that task', async () => {
    const viewer = openline.connect('?channel=tasks')
    const welcome = await viewer.frame()
    const { id } = await create('Ship it')
    const created = await viewer.frame()
    const offset = (welcome['channels'] as Record<string, number>)['tasks'] ?? 0
    expect(created).toMatchObject({
      channel: 'tasks',
      offset: offset + 1,
      events: [{ type: 'task.created', id, version: 1 }],
    })

    const close = openline.connect()
    await close.frame()
    expect(await close.ask({ action: 'subscribe', channel: `tasks/${String(id)}` })).toMatchObject({
      offset: 1,
    })
    await call('PATCH', `/tasks/${String(id)}`, { done: true })
    const updated = {
      events: [{ type: 'task.updated', id, version: 2, data: { title: 'Ship it', done: true } }],
    }
    expect(await viewer.frame()).toMatchObject({ channel: 'tasks', offset: offset + 2, ...updated })
    expect(await close.frame()).toMatchObject({ channel: `tasks/${String(id)}`, offset: 2, ...updated })

    // A change that changes nothing makes no frame: the next one is the delete's.
    await call('PATCH', `/tasks/${String(id)}`, { done: true })
    await call('DELETE', `/tasks/${String(id)}`)
    expect(await viewer.frame()).toMatchObject({
      offset: offset + 3,
      events: [{ type: 'task.deleted', id, version: 3 }],
    })
    expect(await close.frame()).toMatchObject({
      offset: 3,
      events: [{ type: 'task.deleted', id, version: 3 }],
    })
  })

  it('lists tasks page by page', async () => {
    const ids = []
    for (const title of ['a', 'b', 'c']) ids.push((await create(title))['id'])
    const seen: unknown[] = []
    let cursor: string | undefined
    do {
      const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { status, body } = await call('GET', `/tasks?limit=2${query}`)
      expect(status).toBe(200)
      seen.push(...(body['tasks'] as { id: string }[]).map((task) => task.id))
      cursor = body['cursor'] as string | undefined
    } while (cursor !== undefined)
    expect(seen.toSorted()).toEqual(ids.toSorted())
  })

  it('refuses a stale version with 409 in the body and 412 in If-Match', async () => {
    const { id } = await create('x')
    const path = `/tasks/${String(id)}`
    expect((await call('PATCH', path, { title: 'y', version: 1 }, { 'if-match': '"1"' })).etag).toBe('"2"')
    expect(await call('PATCH', path, { title: 'z', version: 1 })).toMatchObject({ status: 409 })
    expect(await call('DELETE', path, undefined, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      type: 'application/problem+json',
      body: { code: 'precondition_failed' },
    })
    expect(await call('DELETE', path, undefined, { 'if-match': '"2"' })).toMatchObject({ status: 204 })
  })

  it.each([
    ['POST', '/tasks', 'no json', 400, 'invalid_json'],
    ['POST', '/tasks', '[]', 400, 'invalid_json'],
    ['POST', '/tasks', {}, 400, 'invalid_field'],
    ['POST', '/tasks', { title: '' }, 400, 'invalid_field'],
    ['POST', '/tasks', { title: 'x'.repeat(10_000) }, 400, 'invalid_field'],
    ['POST', '/tasks', { title: 7 }, 400, 'invalid_field'],
    ['POST', '/tasks', { title: 'x', colour: 'red' }, 400, 'invalid_field'],
    ['GET', '/tasks?cursor=t-1.tampered', undefined, 400, 'invalid_cursor'],
    ['GET', '/tasks?limit=0', undefined, 400, 'invalid_query'],
    ['GET', '/tasks/t-none', undefined, 404, 'task_not_found'],
    ['PATCH', '/tasks/t-none', { done: true }, 404, 'task_not_found'],
    ['DELETE', '/tasks/t-none', undefined, 404, 'task_not_found'],
  ])('answers %s %s with a body of %j by %i %s', async (method, path, body, status, code) => {
    expect(await call(method, path, body)).toMatchObject({
      status,
      type: 'application/problem+json',
      body: { code },
    })
  })

  it.each([
    '?channel=nope',
    `?channel=chat/${'x'.repeat(100)}`,
    `?channel=chat/${Array.from({ length: 31 }, (_, i) => `r${i}`).join('&channel=chat/')}`,
  ])('refuses to open a line for %s with 400', async (query) => {
    expect(await openline.connect(query).opened()).toBe(400)
    expect(await openline.connectionIds()).toEqual([])
  })

  it.each([
    ['a message of 128 KB + 1', 'x'.repeat(128 * 1024 + 1), 1009],
    ['a binary frame', Buffer.from([1, 2, 3]), 1003],
  ])('closes after %s, and keeps the other connection', async (_, message, code) => {
    const [bad, good] = [openline.connect('?channel=tasks'), openline.connect('?channel=tasks')]
    const { connectionId } = await bad.frame()
    await good.frame()
    bad.socket.send(message)
    expect(await bad.closed).toBe(code)
    await forgotten(String(connectionId))
    await create('still here')
    expect(await good.frame()).toMatchObject({ type: 'events' })
  })

  it.each(['a clean close', 'a cut line'])(
    'leaves no trace after %s, and the other undisturbed',
    async (how) => {
      const [leaving, staying] = [
        openline.connect('?channel=tasks'),
        openline.connect('?channel=tasks&channel=chat/x'),
      ]
      const { connectionId } = await leaving.frame()
      const { connectionId: other } = await staying.frame()
      if (how === 'a clean close') leaving.socket.close()
      else leaving.socket.terminate()
      await forgotten(String(connectionId))
      expect((await openline.tracesOf(String(other))).length).toBe(3)
    },
  )

  it('gives up a record that is no task, says so to viewers and operators, and the others go on', async () => {
    const viewer = openline.connect('?channel=tasks')
    await viewer.frame()
    const { engine } = openline.stack.dynamodb
    await engine.client.call('PutItem', {
      TableName: openline.tableOf('TasksApi'),
      Item: { id: { S: 'poison' } },
    })
    await create('after the poison')
    const frames = [await viewer.frame(), await viewer.frame()]
    const byType = Object.fromEntries(frames.map((frame) => [String(frame['type']), frame] as const))
    expect(byType).toMatchObject({
      events: { events: [{ data: { title: 'after the poison' } }] },
      reset: { channel: 'tasks' },
    })
    const said = openline.lines.find((line) => line.includes('stream records were given up'))
    expect(said).toMatch(/"level":"error".*"startSequenceNumber":"\d+"/)
  })
})

it('runs several stacks in one process', async () => {
  const [first, second] = await Promise.all([startOpenline(app.assembly), startOpenline(app.assembly)])
  onTestFinished(async () => {
    await Promise.all([first.close(), second.close()])
  })
  const [here, there] = [first.connect('?channel=tasks'), second.connect('?channel=tasks')]
  await here.frame()
  await there.frame()
  await fetch(`${first.rest}/tasks`, { method: 'POST', body: '{"title":"only here"}' })
  expect(await here.frame()).toMatchObject({ type: 'events' })
  expect(await there.ask({ action: 'ping' })).toEqual({ type: 'pong' })
})
