// Runs one seed after another until it is told to stop, or until so many deliveries have been made: `npm run soak`.
import { parseArgs } from 'node:util'
import { synthesizeOpenline } from '../support/openline.ts'
import { type Mood, SETTINGS } from './moods.ts'
import { run } from './run.ts'

const USAGE = `npm run soak -- [--seed <first>] [--mood calm|stormy] [--runs <number>] [--deliveries <number>] [--side-by-side <number>]
                [--viewers <number>] [--operations <number>]

Runs the oracle with one seed after another, in turn in a calm and in a storm, until a promise is broken, as many runs or
deliveries as given are done, or it is interrupted. With more viewers, and more operations before each quiet point, a run is
larger than those of every check.
`
const MOODS: readonly Mood[] = ['calm', 'stormy']

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      mood: { type: 'string' },
      runs: { type: 'string' },
      deliveries: { type: 'string' },
      'side-by-side': { type: 'string', default: '2' },
      viewers: { type: 'string', default: '4' },
      operations: { type: 'string', default: '12' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const moods = MOODS.filter((mood) => values.mood === undefined || values.mood === mood)
  if (moods.length === 0) throw new Error(`--mood is "${values.mood}"; expected calm or stormy`)
  const runs = numberOf('--runs', values.runs)
  const wanted = numberOf('--deliveries', values.deliveries)
  const size = {
    viewers: numberOf('--viewers', values.viewers),
    operations: numberOf('--operations', values.operations),
  }
  const lanes = numberOf('--side-by-side', values['side-by-side'])

  const apps = await Promise.all(moods.map((mood) => synthesizeOpenline(SETTINGS[mood].context)))
  const assemblies = new Map(moods.map((mood, i) => [mood, apps[i]?.assembly ?? '']))
  const total = { runs: 0, deliveries: 0, resets: 0, commits: 0, broken: 0 }
  const faults: Record<string, number> = {}
  const begun = performance.now()
  let seed = numberOf('--seed', values.seed)
  let isStopped = false
  process.once('SIGINT', () => (isStopped = true))
  const last = seed + runs

  const isOver = () => isStopped || total.broken > 0 || total.deliveries >= wanted || seed >= last
  const lane = async () => {
    while (!isOver()) {
      const own = seed++
      const mood = moods[own % moods.length] ?? 'calm'
      const result = await run({ assembly: assemblies.get(mood) ?? '', seed: own, mood, size })
      total.runs++
      total.deliveries += result.deliveries
      total.resets += result.resets
      total.commits += result.commits
      for (const [kind, count] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + count
      if (result.violations.length > 0) total.broken++
      const state = result.violations.length > 0 ? 'BROKEN' : 'held'
      const seconds = Math.round((performance.now() - begun) / 1000)
      process.stdout.write(
        `${String(seconds).padStart(6)} s  seed ${own} ${mood.padEnd(6)} ${state}  ` +
          `${result.deliveries} deliveries, ${result.commits} commits  in all: ${total.deliveries} deliveries in ${total.runs} runs\n`,
      )
      for (const violation of result.violations) process.stdout.write(`  ${violation}\n`)
    }
  }
  try {
    await Promise.all(Array.from({ length: lanes }, lane))
  } finally {
    for (const app of apps) app.remove()
  }
  const struck = Object.entries(faults).map(([kind, count]) => `${kind} ${count}`)
  process.stdout.write(
    `${total.runs} runs, ${total.deliveries} deliveries of ${total.commits} commits and what was said, ` +
      `${total.resets} resets, ${total.broken} broken\nfaults: ${struck.join(', ') || 'none'}\n`,
  )
  return total.broken > 0 ? 1 : 0
}

/** @throws for anything but a whole number from 1; without one there is no limit */
function numberOf(option: string, text: string | undefined): number {
  if (text === undefined) return Infinity
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new Error(`${option} is "${text}"; expected a whole number from 1`)
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${String(error)}\n${USAGE}`)
  process.exitCode = 2
}
