import { sleep } from '../../local/clock.ts'
import { CROWD_PREFIX } from './ledger.ts'
import { type Mood, SETTINGS, SKEW_MS } from './moods.ts'
import { OPERATIONS, type Operation, ROOMS, SIZES, type Scene, TROUBLES, enter, sayIn } from './operations.ts'
import { Random } from './random.ts'
import { CONNECTION_KEPT_MS, Verdict, commitsIn } from './verdict.ts'
import { type Report, both } from './report.ts'
import type { World } from './world.ts'

export interface RunResult {
  readonly violations: readonly string[]
  /** Events and resets that subscribers were told. */
  readonly deliveries: number
  readonly resets: number
  readonly commits: number
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>
}

/** How much goes on in a run. */
export interface Size {
  /** At first; there may be twice as many. */
  readonly viewers: number
  /** Before each quiet point. */
  readonly operations: number
}

export interface CourseOptions {
  readonly mood: Mood
  /** @default enough to find what a check should find, in a few seconds */
  readonly size?: Size
}

const SMALL: Size = { viewers: 4, operations: 12 }
const QUIET_POINTS = 2
/** The longest pause before an operation, in milliseconds of the stack's clock. */
const MOST_PAUSE_MS = 60
/** How often a calm run has its last change go to more than a page of subscribers. */
const CROWDED = 0.4
/** How often trouble is made, rather than something done, in a storm. */
const TROUBLE = 0.35

const WEIGHTS: Readonly<Record<keyof typeof OPERATIONS, number>> = {
  create: 4,
  createMany: 0.3,
  change: 8,
  race: 2,
  delete: 2,
  chat: 5,
  longChat: 1,
  follow: 4,
  unfollow: 1,
  refollow: 1,
  enter: 2,
  leave: 1,
  cut: 3,
  cutAll: 0.5,
  loseDisconnects: 1,
}

const TROUBLE_WEIGHTS: Readonly<Record<keyof typeof TROUBLES, number>> = {
  post: 4,
  stream: 4,
  crash: 3,
  timeout: 0.5,
  giveUp: 0.3,
  throttle: 0.3,
  twoHours: 0.3,
  killEngine: 1,
  sizes: 1,
}

/** How often something is looked at that is waited for, in milliseconds of the machine's time. */
const LOOK_EVERY_MS = 20
/** How long a truth is waited for before it is read again, in milliseconds of the machine's time. */
const SLICE_MS = 500
/** A connection that is younger may still be in its handshake. */
const HANDSHAKE_MS = 6_000
/** How long it may take until a connection is forgotten that a frame was posted to in vain. */
const FORGETTING_MS = 20_000

/** What happens in a run, from its beginning to its verdict. */
export class Course {
  readonly #world: World
  readonly #random: Random
  readonly #mood: Mood
  readonly #settings: (typeof SETTINGS)[Mood]
  readonly #size: Size
  readonly #scene: Omit<Scene, 'random'>
  readonly #verdict: Verdict
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #failures: string[] = []

  constructor(world: World, random: Random, { mood, size = SMALL }: CourseOptions) {
    this.#size = size
    let count = 0
    this.#world = world
    this.#random = random
    this.#mood = mood
    this.#settings = SETTINGS[mood]
    this.#verdict = new Verdict(world.ledger, { ...SETTINGS[mood], skewMs: SKEW_MS })
    this.#scene = {
      world,
      mostViewers: 2 * size.viewers,
      present: new Set(),
      cuts: new Map(),
      tasks: [],
      nextNumber: () => ++count,
    }
  }

  async run(): Promise<RunResult> {
    const violations: string[] = []
    if (this.#mood === 'calm') violations.push(...(await this.#saySizes()))
    for (let i = 0; i < this.#size.viewers; i++) await this.#begin(enter)
    for (let i = 0; i < QUIET_POINTS && violations.length === 0; i++) {
      for (let j = 0; j < this.#size.operations; j++) {
        await this.#pause()
        await this.#begin(this.#choose())
      }
      violations.push(...(await this.#quiet()))
    }
    if (violations.length === 0) violations.push(...(await this.#leave()))
    const { ledger, faults } = this.#world
    const { deliveries, resets } = this.#verdict
    return { violations, deliveries, resets, commits: ledger.commits.length, faults: faults.counts }
  }

  /** Frames and messages at their quotas are taken, and one byte more ends the line. */
  async #saySizes(): Promise<string[]> {
    const all = SIZES.map(async ({ bytes, frames, outcome }) => {
      const came = await this.#world.viewers.call('say', bytes, frames)
      return came === outcome ? [] : [`${bytes} bytes in ${frames} frames: ${came}, expected ${outcome}`]
    })
    return (await Promise.all(all)).flat()
  }

  #choose(): Operation {
    const random = this.#random
    if (this.#mood === 'stormy' && random.happens(TROUBLE)) return TROUBLES[random.weighted(TROUBLE_WEIGHTS)]
    return OPERATIONS[random.weighted(WEIGHTS)]
  }

  /** Begins an operation; it goes on beside those that follow, and makes its choices by itself. */
  async #begin(operation: Operation): Promise<void> {
    const random = new Random(this.#random.int(0, 2 ** 31))
    const work = Promise.resolve(operation({ ...this.#scene, random }))
    const failed = (error: unknown) => this.#failures.push(`an operation failed: ${String(error)}`)
    const done = work.catch(failed).finally(() => this.#underWay.delete(done))
    this.#underWay.add(done)
  }

  #pause(): Promise<void> {
    return sleep(this.#world.clock, this.#random.int(0, MOST_PAUSE_MS))
  }

  /** Lets everything settle, and judges. */
  async #quiet(): Promise<string[]> {
    const { ledger, viewers, faults, clock } = this.#world
    await Promise.all(this.#underWay)
    if (this.#failures.length > 0) return this.#failures
    faults.cancel()
    const limitMs = this.#settings.patienceMs
    const deadline = clock.now() + limitMs
    let report: Report | undefined
    for (;;) {
      const unlogged = await this.#eventually(async () => {
        await ledger.read()
        return commitsIn(ledger)
      }, deadline - clock.now())
      if (unlogged.length > 0) return unlogged
      const truth = ledger.mark
      const outcome = { newest: ledger.lastNews, tasks: await ledger.tasks() }
      const missing = await viewers.call('converged', outcome, SLICE_MS * this.#settings.speed)
      if (missing.length > 0 && clock.now() >= deadline) return missing
      report = both(report, await viewers.call('report'))
      await ledger.read()
      // What was still on its way has moved it on: some of what was told may be newer than what was read.
      if (missing.length > 0 || ledger.mark !== truth) continue
      return [
        ...this.#verdict.of(report, await ledger.connections(), clock.now()),
        ...this.#needlessTrouble(report),
      ]
    }
  }

  /** Nothing is left of those who went, whatever became of their `$disconnect`. */
  #leave(): Promise<string[]> {
    return this.#mood === 'calm' ? this.#leaveGhosts() : this.#leaveNothing()
  }

  /** Some go without a word, and nobody tells: the next frame for them finds out, and forgets them before it is done. */
  async #leaveGhosts(): Promise<string[]> {
    const { viewers, faults, clock } = this.#world
    const { present } = this.#scene
    const ghosts = [...present].slice(1)
    faults.plan('disconnect.lost', { times: ghosts.length })
    const strikes = faults.count('disconnect.lost') + ghosts.length
    const gone = new Promise<void>((resolve) => {
      const end = faults.watch(() => {
        if (faults.count('disconnect.lost') < strikes) return
        end()
        resolve()
      })
    })
    for (const ghost of ghosts) {
      present.delete(ghost)
      await viewers.call('vanish', ghost)
    }
    if (ghosts.length > 0) await gone
    clock.jump(HANDSHAKE_MS) // a line as young as that may not be open yet, and is spared
    if (this.#random.happens(CROWDED)) await this.#world.ledger.crowd('tasks', clock.now())
    for (const operation of [OPERATIONS.create, ...ROOMS.map(sayIn)]) await this.#begin(operation)
    const violations = await this.#quiet()
    const { subscriptions } = await viewers.call('report')
    const left = await this.#eventually(async () => {
      const items = (await this.#world.ledger.connections()).filter(
        ({ pk, sk }) => !pk.startsWith('S#tasks/') && !sk.startsWith(CROWD_PREFIX),
      )
      return items.length === present.size + subscriptions
        ? []
        : items.map(({ pk, sk }) => `${pk} ${sk} is left`)
    }, FORGETTING_MS)
    return [...violations, ...left]
  }

  /** Everybody goes, and all that they might have left behind is over after two hours and a bit. */
  async #leaveNothing(): Promise<string[]> {
    const { viewers, clock, ledger } = this.#world
    for (const viewer of this.#scene.present) await viewers.call('close', viewer)
    this.#scene.present.clear()
    clock.jump(CONNECTION_KEPT_MS + SKEW_MS)
    return this.#eventually(
      async () => (await ledger.connections()).map(({ pk, sk }) => `${pk} ${sk} is left`),
      this.#settings.patienceMs,
    )
  }

  /** What `look` complains of, once it complains of nothing or the time is over. */
  async #eventually(look: () => Promise<string[]>, limitMs: number): Promise<string[]> {
    const { clock } = this.#world
    const deadline = clock.now() + limitMs
    for (;;) {
      const complaints = await look()
      if (complaints.length === 0 || clock.now() >= deadline) return complaints
      await sleep(clock, LOOK_EVERY_MS * this.#settings.speed)
    }
  }

  /** In a calm, no line is lost that nobody cut, no function fails, and nothing is given up. */
  #needlessTrouble({ losses }: Report): string[] {
    if (this.#mood !== 'calm') return []
    const { lines, stack } = this.#world
    const lost = Object.entries(losses).flatMap(([viewer, times]) => {
      const cuts = this.#scene.cuts.get(viewer) ?? 0
      return times > cuts ? [`${viewer}: lost its line ${times} times, was cut off ${cuts} times`] : []
    })
    const failed = lines.filter((line) => /^\S+ REPORT .*Status: error|"level":"error"/.test(line))
    const givenUp = stack.queues.all().filter((queue) => queue.counts().visible > 0)
    return [...lost, ...failed, ...givenUp.map(({ definition }) => `a message is in ${definition.name}`)]
  }
}
