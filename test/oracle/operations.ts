import type { FaultKind } from '../../local/fault-kinds.ts'
import type { FaultPlan } from '../../local/faults.ts'
import { CONNECTION_LIFETIME_MS } from '../../protocol/limits.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** What a run knows while it goes on. */
export interface Scene {
  readonly world: World
  readonly random: Random
  readonly mostViewers: number
  /** Those who watch, by name. */
  readonly present: Set<string>
  /** How often each of them was cut off, at most. */
  readonly cuts: Map<string, number>
  /** Ids of tasks that may exist. */
  readonly tasks: string[]
  /** For names and message ids. */
  readonly nextNumber: () => number
}

export const ROOMS = ['chat/lobby', 'chat/attic'] as const
type Room = (typeof ROOMS)[number]

export type Operation = (scene: Scene) => Promise<unknown> | undefined

/** Begins the key of what is recorded of a connection. */
const CONNECTION = 'C#'
/** More than fit one frame, and more than one page of `GET /tasks`. */
const MANY_TASKS = 110

/** What users do, and what becomes of them: all of it without any fault of ours. */
export const OPERATIONS = {
  create: ({ world, random, tasks }) => each(random.int(1, 6), () => create(world, random, tasks)),
  createMany: ({ world, random, tasks }) => each(MANY_TASKS, () => create(world, random, tasks)),
  change: ({ world, random, tasks }) => each(random.int(1, 10), () => change(world, random, tasks)),
  /** Several at once, of which one at a time can win. */
  race: async ({ world, random, tasks }) => {
    const id = random.pick(tasks)
    if (id !== undefined) await each(4, () => change(world, random, [id]))
  },
  delete: async ({ world, random, tasks }) => {
    const id = random.pick(tasks)
    if (id === undefined) return
    tasks.splice(tasks.indexOf(id), 1)
    await call(world, 'DELETE', `/tasks/${id}`)
  },
  chat: (scene) => say(scene, 40),
  /** Few of them fit one frame. */
  longChat: (scene) => say(scene, 12_000),
  follow: ({ world, random, present, tasks }) => {
    const viewer = random.pick([...present])
    const channel = random.pick([...ROOMS, 'tasks', `tasks/${random.pick(tasks) ?? 'none'}`])
    return viewer && channel ? world.viewers.call('follow', viewer, channel) : undefined
  },
  unfollow: ({ world, random, present }) => {
    const viewer = random.pick([...present])
    const channel = random.pick([...ROOMS, 'tasks'])
    return viewer && channel ? world.viewers.call('unfollow', viewer, channel) : undefined
  },
  /** A subscription that ends and begins again, with nothing between. */
  refollow: async ({ world, random, present }) => {
    const viewer = random.pick([...present])
    const channel = random.pick(ROOMS)
    if (viewer === undefined || channel === undefined) return
    await Promise.all(
      (['follow', 'unfollow', 'follow'] as const).map((step) => world.viewers.call(step, viewer, channel)),
    )
  },
  enter: (scene) => (scene.present.size < scene.mostViewers ? enter(scene) : undefined),
  leave: ({ world, random, present }) => {
    const viewer = present.size > 2 ? random.pick([...present]) : undefined
    if (viewer === undefined) return
    present.delete(viewer)
    return world.viewers.call(random.happens(0.5) ? 'close' : 'vanish', viewer)
  },
  cut: (scene) => {
    const viewer = scene.random.pick([...scene.present])
    if (viewer === undefined) return
    cutOff(scene, viewer)
    return scene.world.viewers.call('cut', viewer, scene.random.happens(0.5))
  },
  /** As a deployment of API Gateway's does, or the end of two hours. */
  cutAll: async (scene) => {
    const { world, present } = scene
    for (const viewer of present) cutOff(scene, viewer)
    for (const { pk } of await world.ledger.connections())
      if (pk.startsWith(CONNECTION)) await world.cut(pk.slice(CONNECTION.length))
  },
  loseDisconnects: ({ world, random }) => {
    const kind = random.pick(['disconnect.lost', 'disconnect.late', 'disconnect.double'] as const)
    world.faults.plan(kind ?? 'disconnect.lost', { times: random.int(1, 3) })
    return undefined
  },
} satisfies Record<string, Operation>

/** What AWS, the network and we do wrong. */
export const TROUBLES = {
  post: (scene) => plan(scene, POSTS, { times: scene.random.int(1, 5), skip: scene.random.int(0, 10) }),
  stream: (scene) => plan(scene, STREAMS, { times: scene.random.int(1, 2) }),
  crash: (scene) => strikeFunction(scene, CRASHES),
  timeout: (scene) => strikeFunction(scene, TIMEOUTS),
  /** More often than a batch is tried: its records are given up, and leave a gap. */
  giveUp: (scene) => {
    const subject = scene.world.functionOf('TaskStream')
    plan(scene, ['function.crash.before'], { subject, times: 8 })
  },
  /** All posts, for half a minute of the stack's time. */
  throttle: ({ world: { faults, clock } }) =>
    new Promise<void>((resolve) => {
      faults.plan('post.429', { times: Infinity })
      clock.after(30_000, () => {
        faults.cancel('post.429')
        resolve()
      })
    }),
  /** Two hours are over: API Gateway ends every connection, and leases and logs run out. */
  twoHours: async ({ world: { ledger, clock } }) => {
    await ledger.read() // what is in the log may be gone afterwards
    clock.jump(CONNECTION_LIFETIME_MS)
  },
  killEngine: ({ world: { stack, isKept } }) => (isKept ? stack.killEngine() : undefined),
  sizes: async ({ world, random }) => {
    const size = random.pick(SIZES)
    if (size) await world.viewers.call('say', size.bytes, size.frames)
  },
} satisfies Record<string, Operation>

/** At the quotas for a frame and for a message, and one byte over; with what API Gateway answers. */
export const SIZES = [
  { bytes: 32_768, frames: 1, outcome: 'open' },
  { bytes: 32_769, frames: 1, outcome: 1009 },
  { bytes: 131_072, frames: 4, outcome: 'open' },
  { bytes: 131_073, frames: 5, outcome: 1009 },
] as const

const POSTS = [
  'post.410',
  'post.429',
  'post.500',
  'post.503',
  'post.cut',
  'post.stall',
  'post.reorder',
] as const
const STREAMS = ['stream.redeliver', 'stream.resplit', 'stream.double'] as const
const CRASHES = ['function.crash.before', 'function.crash.midway', 'function.crash.after'] as const
const TIMEOUTS = ['function.timeout.before', 'function.timeout.midway', 'function.timeout.after'] as const

export async function enter(scene: Scene): Promise<void> {
  const name = `v${scene.nextNumber()}`
  scene.present.add(name)
  await scene.world.viewers.call('open', name, true)
  await scene.world.viewers.call('follow', name, 'tasks')
}

function cutOff({ cuts }: Scene, viewer: string): void {
  cuts.set(viewer, (cuts.get(viewer) ?? 0) + 1)
}

/** Says something in a room. */
export const sayIn = (room: Room) => (scene: Scene) => say(scene, 40, [room])

async function say(scene: Scene, mostCharacters: number, rooms: readonly Room[] = ROOMS): Promise<void> {
  const { world, random, present } = scene
  const viewer = random.pick([...present])
  const room = random.pick(rooms)
  if (viewer === undefined || room === undefined) return
  for (let i = random.int(1, 5); i > 0; i--) {
    const data = 'ä'.repeat(random.int(1, mostCharacters / 2))
    await world.viewers.call('publish', viewer, room, data, `m-${scene.nextNumber()}`)
  }
}

function plan({ world, random }: Scene, kinds: readonly FaultKind[], plan: FaultPlan): undefined {
  const kind = random.pick(kinds)
  if (kind) world.faults.plan(kind, plan)
}

function strikeFunction(scene: Scene, kinds: readonly FaultKind[]): undefined {
  const { world, random } = scene
  const subject = random.pick(world.functions)
  if (subject !== undefined) plan(scene, kinds, { subject, calls: random.int(1, 4) })
}

const each = (times: number, act: () => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: times }, act))

async function create(world: World, random: Random, tasks: string[]): Promise<void> {
  const answer = await call(world, 'POST', '/tasks', { title: title(random) })
  if (answer?.id !== undefined) tasks.push(answer.id)
}

async function change(world: World, random: Random, tasks: readonly string[]): Promise<void> {
  const id = random.pick(tasks)
  const body = random.happens(0.5) ? { done: random.happens(0.5) } : { title: title(random) }
  if (id !== undefined) await call(world, 'PATCH', `/tasks/${id}`, body)
}

const title = (random: Random) => 'x'.repeat(random.int(1, 200))

/** Whatever comes of it: in trouble a request may fail, carried out or not. */
async function call(
  { rest }: World,
  method: string,
  path: string,
  body?: object,
): Promise<{ readonly id?: string } | undefined> {
  try {
    const response = await fetch(rest + path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
    const text = await response.text()
    return response.ok && text !== '' ? (JSON.parse(text) as { id?: string }) : undefined
  } catch {
    return undefined
  }
}
