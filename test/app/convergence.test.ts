import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { RunningClock } from '../../local/clock.ts'
import type { FaultKind } from '../../local/fault-kinds.ts'
import { Faults } from '../../local/faults.ts'
import type { StackOptions } from '../../local/stack.ts'
import { startOpenline, synthesizeOpenline } from '../support/openline.ts'
import { Viewer } from '../support/viewer.ts'

let app: Awaited<ReturnType<typeof synthesizeOpenline>>
beforeAll(async () => (app = await synthesizeOpenline()))
afterAll(() => app.remove())

async function start(options: Omit<StackOptions, 'assembly' | 'log'> = {}) {
  const faults = new Faults()
  const clock = new RunningClock()
  const openline = await startOpenline(app.assembly, { faults, clock, ...options })
  onTestFinished(() => openline.close())
  const view = async (...channels: string[]) => {
    const viewer = new Viewer(openline, ['tasks', ...channels])
    onTestFinished(() => viewer.close())
    await viewer.ready()
    return viewer
  }
  /** Resolves once a line of the log has all of these. */
  const says = (...parts: string[]) =>
    vi.waitFor(
      () => expect(openline.lines.some((line) => parts.every((part) => line.includes(part)))).toBe(true),
      { timeout: 20_000, interval: 20 },
    )
  /** Every viewer shows the table, and has heard the whole log, once and in order. */
  const converge = async (...viewers: Viewer[]) => {
    await Promise.all(viewers.map((viewer) => viewer.converges()))
    for (const viewer of viewers) expect(await viewer.complaints('tasks')).toEqual([])
  }
  const create = (title: string) => openline.call('POST', '/tasks', { title })
  return { ...openline, faults, clock, view, says, converge, create }
}

describe('a stream batch', () => {
  it.each<[string, FaultKind]>([
    ['handled and reported lost, and retried whole', 'function.crash.after'],
    ['killed before it is handled, and retried whole', 'function.crash.before'],
    ['handed over again whole', 'stream.redeliver'],
    ['handed over again in parts', 'stream.resplit'],
    ['handed over to two functions at once', 'stream.double'],
  ])('that is %s ends in convergence', async (_, kind) => {
    const { faults, functionOf, view, create, call, converge } = await start()
    const viewers = [await view(), await view()]
    faults.plan(kind, { subject: functionOf('TaskStream') })
    const struck = faults.next(kind)
    const tasks = await Promise.all(['a', 'b', 'c', 'd'].map(create))
    await struck
    await Promise.all(tasks.map(({ id }) => call('PATCH', `/tasks/${id}`, { done: true })))
    await call('DELETE', `/tasks/${tasks[0]?.id ?? ''}`)
    await converge(...viewers)
  })

  it('whose function is killed between the log and the fan-out ends in convergence', async () => {
    const { faults, functionOf, view, create, converge, entriesOf } = await start()
    const viewers = [await view(), await view()]
    await create('warm') // from now on the function's first call is the one that appends
    await converge(...viewers)
    faults.plan('function.crash.midway', { subject: functionOf('TaskStream'), calls: 1 })
    const { id } = await create('killed')
    await converge(...viewers)
    const entries = (await entriesOf('tasks')).filter(({ events }) => events.some((event) => event.id === id))
    expect(entries).toHaveLength(2)
    expect(faults.counts).toEqual({ 'function.crash.midway': 1 })
  })

  it('whose function is killed between two of its posts ends in convergence', async () => {
    const { faults, functionOf, connectionIds, view, create, converge } = await start()
    const first = await view()
    const [id = ''] = await connectionIds()
    const second = await view()
    await create('warm')
    await converge(first, second)
    faults.plan('post.stall', { subject: id, durationMs: 3_600_000 })
    // It appends, reads who is subscribed, and has the answer to its other post.
    faults.plan('function.crash.midway', { subject: functionOf('TaskStream'), calls: 3 })
    await create('killed')
    await converge(first, second)
    expect(faults.counts).toEqual({ 'post.stall': 1, 'function.crash.midway': 1 })
  })

  it.skipIf(process.platform === 'win32')(
    'whose table is killed and comes back ends in convergence',
    async () => {
      const data = mkdtempSync(join(tmpdir(), 'data-'))
      onTestFinished(() => rmSync(data, { recursive: true, force: true }))
      const { stack, view, create, converge } = await start({ data })
      const viewers = [await view(), await view()]
      for (const title of ['a', 'b', 'c']) {
        await create(title)
        await stack.killEngine()
      }
      await converge(...viewers)
    },
  )
})

describe('a post', () => {
  it('that the gateway took for a socket which then dies ends in convergence', async () => {
    const { view, create, converge, says } = await start({ lossNotice: 'never' })
    const viewer = await view()
    const back = viewer.losesNetwork()
    await viewer.sees(() => viewer.line.status === 'resuming')
    await create('into the void')
    await says('fanned out', '"channel":"tasks","sent":1,"lost":0')
    back()
    await converge(viewer)
    expect(viewer.eventsOf('tasks')).toMatchObject([{ type: 'task.created' }])
  })

  it('that fails until its time is over closes the connection, whose client comes back to what it missed', async () => {
    const { faults, clock, connectionIds, tracesOf, view, create, converge } = await start()
    const viewer = await view()
    const [id = ''] = await connectionIds()
    const other = await view()
    faults.plan('post.429', { subject: id, times: 1_000 })
    const struck = faults.next('post.429')
    await create('missed')
    await struck
    clock.jump(10_000)
    await viewer.sees(() => viewer.line.status === 'resuming')
    await converge(viewer, other)
    expect(viewer.sockets).toHaveLength(2)
    expect(other.sockets).toHaveLength(1)
    await vi.waitFor(async () => expect(await tracesOf(id)).toEqual([]), { timeout: 20_000 })
  })

  it('that stalls ends in convergence, and another has its frame meanwhile', async () => {
    const { faults, clock, connectionIds, view, create, converge } = await start()
    const viewer = await view()
    const [id = ''] = await connectionIds()
    const other = await view()
    faults.plan('post.stall', { subject: id, times: 1_000, durationMs: 3_600_000 })
    const struck = faults.next('post.stall')
    await create('stalled')
    await other.sees(() => other.eventsOf('tasks').length === 1)
    await struck
    expect(viewer.eventsOf('tasks')).toEqual([])
    clock.jump(10_000)
    faults.cancel()
    await converge(viewer, other)
    expect(other.sockets).toHaveLength(1)
  })

  it('that is answered 410 for a client that is there closes the connection, whose client comes back', async () => {
    const { faults, clock, connectionIds, view, create, converge } = await start()
    const viewer = await view()
    const [id = ''] = await connectionIds()
    clock.jump(5_001) // its handshake is over
    faults.plan('post.410', { subject: id })
    await create('missed')
    await viewer.sees(() => viewer.line.status === 'resuming')
    await converge(viewer)
    expect(viewer.sockets).toHaveLength(2)
  })

  it.each<FaultKind>(['post.500', 'post.503', 'post.cut'])(
    'that meets %s is tried again, with no frame after it to show the hole',
    async (kind) => {
      const { faults, connectionIds, view, create, converge, says } = await start()
      const viewer = await view()
      const [id = ''] = await connectionIds()
      faults.plan(kind, { subject: id })
      await create('a')
      await says('fanned out', '"channel":"tasks","sent":1,"lost":0')
      await converge(viewer)
      expect(faults.counts).toEqual({ [kind]: 1 })
      expect(viewer.sockets).toHaveLength(1)
    },
  )

  it('that overtakes another ends in convergence', async () => {
    const { faults, view, create, converge } = await start()
    const viewer = await view()
    faults.plan('post.reorder', { durationMs: 60_000 })
    const isHeld = faults.next('post.reorder')
    await create('held')
    await isHeld
    await create('overtakes it')
    await converge(viewer)
    expect(viewer.sockets).toHaveLength(1)
  })
})

describe('several functions that publish to one channel at once', () => {
  it('end in one dense log, which everybody hears whole', async () => {
    const { connect, view } = await start()
    const [alice, bob] = [await view('chat/lobby'), await view('chat/lobby')]
    const carol = connect('?channel=chat/lobby')
    await carol.frame()
    const numbers = Array.from({ length: 10 }, (_, i) => i)
    for (const i of numbers) carol.send(`carol ${i}`) // plain text has no id, and is appended another way
    await Promise.all(
      numbers.flatMap((i) =>
        [alice, bob].map(
          ({ line }, j) => line.publish('chat/lobby', `${['alice', 'bob'][j] ?? ''} ${i}`).done,
        ),
      ),
    )
    for (const viewer of [alice, bob]) {
      await viewer.sees(() => viewer.eventsOf('chat/lobby').length === 30)
      expect(await viewer.complaints('chat/lobby')).toEqual([])
    }
    expect(alice.eventsOf('chat/lobby')).toEqual(bob.eventsOf('chat/lobby'))
  })

  it('and one that is killed between the log and the fan-out: its sender tries again, and it is said once', async () => {
    const { faults, functionOf, connect, view, entriesOf } = await start()
    const listener = await view('chat/lobby')
    const sender = connect('?channel=echo')
    await sender.text()
    const publish = (messageId: string) => ({
      action: 'publish',
      channel: 'chat/lobby',
      data: messageId,
      messageId,
      id: messageId,
    })
    expect(await sender.ask(publish('m-1'))).toMatchObject({ type: 'published' })
    faults.plan('function.crash.midway', { subject: functionOf('Message'), calls: 1 })
    expect(await sender.ask(publish('m-2'))).toMatchObject({ message: 'Internal server error' })
    const entries = await entriesOf('chat/lobby')
    expect(entries.at(-1)?.events).toMatchObject([{ id: 'm-2' }])
    expect(await sender.ask(publish('m-2'))).toMatchObject({
      type: 'published',
      offset: entries.at(-1)?.offset,
    })
    await listener.sees(() => listener.eventsOf('chat/lobby').length === 2)
    expect(await listener.complaints('chat/lobby')).toEqual([])
    expect(await entriesOf('chat/lobby')).toEqual(entries)
  })
})

describe('a connection that can not be greeted', () => {
  it.each<[string, FaultKind]>([
    ['?channel=tasks&after=41', 'function.crash.before'],
    ['?channel=tasks&after=41', 'function.crash.midway'],
    ['?channel=tasks', 'function.crash.before'],
    ['?channel=echo', 'function.crash.before'],
  ])('and asked for %s is closed after %s, and nothing of it stays', async (query, kind) => {
    const { faults, functionOf, connect, connectionIds } = await start()
    faults.plan(kind, { subject: functionOf('Welcome') })
    expect(await connect(query).closed).toBe(1000)
    await vi.waitFor(async () => expect(await connectionIds()).toEqual([]), { timeout: 20_000, interval: 20 })
  })

  it('in the time that its function has is closed as well', async () => {
    const { faults, clock, functionOf, connect, says } = await start()
    faults.plan('function.timeout.midway', { subject: functionOf('Welcome') })
    const client = connect('?channel=tasks&after=41')
    expect(await client.opened()).toBe(101)
    await says(functionOf('Welcome'), 'START RequestId')
    clock.jump(30_000)
    expect(await client.closed).toBe(1000)
  })

  it('comes back with the client, and is greeted then', async () => {
    const { faults, functionOf, view, create, converge } = await start()
    faults.plan('function.crash.before', { subject: functionOf('Welcome') })
    const viewer = await view()
    await viewer.sees(() => viewer.sockets.length === 2 && viewer.line.status === 'open')
    await create('a')
    await converge(viewer)
  })
})

describe('stream records that are given up', () => {
  it('since they can not be read: the shard moves on, and viewers load anew', async () => {
    const { view, create, converge, says, tables, tableOf, stack } = await start()
    const viewers = [await view(), await view()]
    const { id } = await create('by the book')
    await converge(...viewers)
    const edit = new UpdateCommand({
      TableName: tableOf('TasksApi'),
      Key: { id },
      UpdateExpression: 'SET title = :title, version = :version REMOVE updatedAt',
      ExpressionAttributeValues: { ':title': 'by hand', ':version': 2 },
    })
    await tables.send(edit)
    stack.dynamodb.wake()
    await create('after it')
    for (const viewer of viewers)
      await viewer.sees(() => viewer.itemsOf('tasks').some(({ type }) => type === 'reset'))
    await converge(...viewers)
    expect(viewers[0]?.tasks).toContainEqual(expect.objectContaining({ title: 'by hand' }))
    await says('stream records were given up', 'RetryAttemptsExhausted')
  })

  it('since their function fails more often than they are tried: viewers load anew', async () => {
    const { faults, functionOf, view, create, converge } = await start()
    const viewers = [await view(), await view()]
    faults.plan('function.crash.before', { subject: functionOf('TaskStream'), times: 6 })
    await create('never told')
    await converge(...viewers)
    expect(faults.count('function.crash.before')).toBe(6)
    for (const viewer of viewers) expect(viewer.itemsOf('tasks')).toMatchObject([{ type: 'reset' }])
  })

  it('while a viewer is away: it loads anew when it comes back', async () => {
    const { faults, functionOf, view, create, converge, entriesOf } = await start()
    const viewer = await view()
    const back = viewer.losesNetwork()
    await viewer.sees(() => viewer.line.status === 'resuming')
    faults.plan('function.crash.before', { subject: functionOf('TaskStream'), times: 6 })
    await create('never told')
    const hasGap = async () => (await entriesOf('tasks')).some(({ isGap }) => isGap)
    await vi.waitFor(async () => expect(await hasGap()).toBe(true), { timeout: 20_000, interval: 20 })
    back()
    await converge(viewer)
    expect(viewer.itemsOf('tasks')).toMatchObject([{ type: 'reset' }])
  })

  it('and who is to tell of it is killed before anybody is told: it is told of again', async () => {
    const { faults, clock, functionOf, view, create, converge } = await start()
    const viewer = await view()
    const isTold = faults.next('function.crash.midway')
    faults.plan('function.crash.before', { subject: functionOf('TaskStream'), times: 6 })
    faults.plan('function.crash.midway', { subject: functionOf('TaskGap'), calls: 2 })
    await create('never told')
    await isTold
    clock.jump(120_000)
    await converge(viewer)
  })
})
