import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { synthesizeOpenline } from '../support/openline.ts'
import { type Mood, SETTINGS } from './moods.ts'
import { run } from './run.ts'

const SEEDS = Array.from({ length: 25 }, (_, i) => i + 1)
/** Of a run that finds everything out; one that does not waits for its patience to be over. */
const TIMEOUT_MS = 300_000

/** The runs of a mood that every change has to pass. They wait more than they work: a few go on at once. */
export function itHoldsInEveryRun(mood: Mood): void {
  describe(`everybody hears everything once and in order, or is told to start afresh, in a run that is ${mood}`, () => {
    let app: Awaited<ReturnType<typeof synthesizeOpenline>>
    beforeAll(async () => (app = await synthesizeOpenline(SETTINGS[mood].context)))
    afterAll(() => app.remove())

    it.concurrent.each(SEEDS)(
      'seed %i',
      async (seed) => {
        const { violations } = await run({ assembly: app.assembly, seed, mood })
        expect(violations).toEqual([])
      },
      TIMEOUT_MS,
    )
  })
}
