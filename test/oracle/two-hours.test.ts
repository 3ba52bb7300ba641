import { expect, it, onTestFinished } from 'vitest'
import { RunningClock, sleep } from '../../local/clock.ts'
import { CONNECTION_LIFETIME_MS } from '../../protocol/limits.ts'
import { synthesizeOpenline } from '../support/openline.ts'
import { SETTINGS } from './moods.ts'
import { Verdict } from './verdict.ts'
import { openWorld } from './world.ts'

/** Short enough for nobody to be idle for ten minutes. */
const STEP_MS = 240_000
const ROOM = 'chat/lobby'

it('goes over to a new connection before API Gateway ends the old one, and nothing is lost or told twice', async () => {
  const app = await synthesizeOpenline()
  onTestFinished(() => app.remove())
  const clock = new RunningClock()
  const { latency, retentionMs } = SETTINGS.calm
  const world = await openWorld({
    assembly: app.assembly,
    seed: 1,
    clock,
    viewersSkewMs: 0,
    latency,
    lossNotice: 'immediately',
  })
  onTestFinished(() => world.close())
  const { viewers, ledger } = world
  const verdict = new Verdict(ledger, { retentionMs, skewMs: 0 })
  const names = ['speaker', 'listener']
  for (const name of names) {
    await viewers.call('open', name, false)
    await viewers.call('follow', name, ROOM)
  }
  const settled = async () => {
    for (let missing = ['all']; missing.length > 0;) {
      await ledger.read()
      missing = await viewers.call('converged', { newest: ledger.lastNews, tasks: [] }, 1_000)
    }
  }
  await settled()
  const start = clock.now()
  let said = 0
  for (; clock.now() < start + CONNECTION_LIFETIME_MS + STEP_MS; said++) {
    for (const name of names) await viewers.call('publish', name, ROOM, 'still here', `m-${name}-${said}`)
    await settled()
    // A post under way would be over its time after the jump, and its connection given up.
    while (isAnythingRunning(world.lines)) await sleep(clock, 5)
    clock.jump(STEP_MS)
  }
  const report = await viewers.call('report')
  await ledger.read()
  expect(verdict.of(report, await ledger.connections(), clock.now())).toEqual([])
  expect(report.losses).toEqual({ speaker: 0, listener: 0 })
  expect(report.sockets).toEqual({ speaker: 2, listener: 2 })
  expect(verdict.deliveries).toBe(2 * 2 * said)
}, 120_000)

/** Whether a function has begun what it has not ended. */
const isAnythingRunning = (lines: readonly string[]) =>
  lines.filter((line) => line.includes(': START RequestId')).length >
  lines.filter((line) => line.includes(': END RequestId')).length
