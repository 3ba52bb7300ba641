import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deployedUrl, openDeployedTarget } from './deployed-target.ts'
import { FACTS } from './facts/index.ts'
import { startLocalTarget } from './local-target.ts'
import type { Target } from './target.ts'

const HOSTS = [
  { name: 'the local stack', isThere: true, open: startLocalTarget },
  { name: 'AWS, at OPENLINE_CONTRACT_URL', isThere: deployedUrl() !== undefined, open: openDeployedTarget },
]

describe.each(HOSTS)('$name', ({ isThere, open }) => {
  let target: Target
  let stop: () => Promise<void>
  if (isThere) {
    beforeAll(async () => {
      ;({ target, stop } = await open())
    })
    afterAll(() => stop())
  }

  describe.each(Object.entries(FACTS))('%s', (_subject, facts) => {
    it.skipIf(!isThere).each(facts)('$fact ($source)', async ({ expected, observe }) => {
      // As text, so that the order of keys counts.
      expect(JSON.stringify(await observe(target), null, 2)).toBe(JSON.stringify(expected, null, 2))
    })
  })
})

describe('the facts', () => {
  it('are each said once', () => {
    const sentences = Object.values(FACTS).flatMap((facts) => facts.map(({ fact }) => fact))
    expect(new Set(sentences).size).toBe(sentences.length)
  })
})
