import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LOSS_NOTICES } from '../../local/api-gateway/websocket/loss-notice.ts'
import { RunningClock } from '../../local/clock.ts'
import { Course, type CourseOptions, type RunResult } from './course.ts'
import { SETTINGS, SKEW_MS } from './moods.ts'
import { Random } from './random.ts'
import { openWorld } from './world.ts'

export interface RunOptions extends CourseOptions {
  /** Of our app, synthesized with the mood's context. */
  readonly assembly: string
  readonly seed: number
}

/** How often a storm's tables are kept in files, so that their engine can be killed. */
const KEPT = 0.25
/** Cold starts are most of the work of a run: what another function is soon free for waits. */
const ENVIRONMENT_PATIENCE_MS = 250

/** One run: operations, and at each quiet point everything that has been told is held against what is true. */
export async function run({ assembly, seed, ...course }: RunOptions): Promise<RunResult> {
  const random = new Random(seed)
  const isStormy = course.mood === 'stormy'
  const { speed, latency } = SETTINGS[course.mood]
  const data = isStormy && random.happens(KEPT) ? mkdtempSync(join(tmpdir(), 'oracle-')) : undefined
  const world = await openWorld({
    assembly,
    seed,
    clock: new RunningClock({ speed }),
    viewersSkewMs: isStormy ? random.int(-SKEW_MS, SKEW_MS) : 0,
    patienceMs: ENVIRONMENT_PATIENCE_MS,
    latency,
    ...(data === undefined ? {} : { data }),
    lossNotice: (isStormy ? random.pick(LOSS_NOTICES) : undefined) ?? 'immediately',
  })
  if (isStormy) world.faults.plan('function.skew', { times: random.int(0, 6), skip: random.int(0, 6) })
  try {
    return await new Course(world, random, course).run()
  } finally {
    await world.close()
    if (data !== undefined) rmSync(data, { recursive: true, force: true })
  }
}
