import { describe, expect, it } from 'vitest'
import { FAULTS, FaultsError, type FaultKind, faultsHelp, parseFaults } from '../../local/fault-kinds.ts'
import { Faults } from '../../local/faults.ts'

const KINDS = Object.keys(FAULTS) as FaultKind[]

/** Which of many asks a kind strikes at. */
const pattern = (faults: Faults, kind: FaultKind, asks = 200) =>
  Array.from({ length: asks }, () => (faults.strike(kind, 'a') ? 1 : 0)).join('')

describe('faults', () => {
  it('are none unless they are asked for', () => {
    const faults = new Faults()
    for (const kind of KINDS) expect(faults.strike(kind, 'a')).toBeUndefined()
    expect(faults.counts).toEqual({})
  })

  it('are the same with the same seed, and others with another', () => {
    const rates = parseFaults('post.429=0.3')
    const first = pattern(new Faults(rates, 42), 'post.429')
    expect(pattern(new Faults(rates, 42), 'post.429')).toBe(first)
    expect(pattern(new Faults(rates, 43), 'post.429')).not.toBe(first)
  })

  it('of one kind do not depend on how often another is asked for', () => {
    const rates = parseFaults('post.429=0.3,disconnect.lost=0.5')
    const alone = pattern(new Faults(rates, 42), 'post.429')
    const faults = new Faults(rates, 42)
    pattern(faults, 'disconnect.lost', 17)
    expect(pattern(faults, 'post.429')).toBe(alone)
  })

  it('of two kinds do not strike in step', () => {
    const faults = new Faults(parseFaults('post.429=0.3,post.503=0.3'), 42)
    expect(pattern(faults, 'post.429')).not.toBe(pattern(faults, 'post.503'))
  })

  it('come about as often as their probability says', () => {
    const faults = new Faults(parseFaults('post.429=0.05'), 7)
    pattern(faults, 'post.429', 20_000)
    expect(faults.count('post.429')).toBeGreaterThan(850)
    expect(faults.count('post.429')).toBeLessThan(1_150)
  })

  it('are certain with 1 and never with 0', () => {
    const faults = new Faults(parseFaults('post.410=1,post.429=0'))
    expect(pattern(faults, 'post.410', 50)).toBe('1'.repeat(50))
    expect(pattern(faults, 'post.429', 50)).toBe('0'.repeat(50))
  })

  it('are planned: so many, for one subject, after so many', () => {
    const faults = new Faults()
    faults.plan('post.410', { subject: 'a', skip: 1, times: 2 })
    const strikes = ['a', 'b', 'a', 'b', 'a', 'a'].map(
      (subject) => faults.strike('post.410', subject)?.subject,
    )
    expect(strikes).toEqual([undefined, undefined, 'a', undefined, 'a', undefined])
    expect(faults.counts).toEqual({ 'post.410': 2 })
  })

  it('that are planned and cancelled do not come', () => {
    const faults = new Faults()
    faults.plan('post.410')
    faults.plan('post.429')
    faults.cancel('post.410')
    expect(faults.strike(['post.410', 'post.429'], 'a')?.kind).toBe('post.429')
    faults.plan('post.429')
    faults.cancel()
    expect(faults.strike('post.429', 'a')).toBeUndefined()
  })

  it('ask no further kinds once one strikes', () => {
    const faults = new Faults(parseFaults('post.410=1,post.429=1'))
    expect(faults.strike(['post.429', 'post.410'], 'a')?.kind).toBe('post.429')
    expect(faults.counts).toEqual({ 'post.429': 1 })
  })

  it('last as long as the plan, the rate or the kind says, in this order', () => {
    expect(new Faults(parseFaults('post.stall=1')).strike('post.stall', 'a')?.durationMs).toBe(5_000)
    const faults = new Faults(parseFaults('post.stall=1@250ms'))
    expect(faults.strike('post.stall', 'a')?.durationMs).toBe(250)
    faults.plan('post.stall', { durationMs: 7 })
    expect(faults.strike('post.stall', 'a')?.durationMs).toBe(7)
  })

  it('leave nothing to chance that the plan says', () => {
    const faults = new Faults()
    faults.plan('function.skew', { chance: 0.25 })
    expect(faults.strike('function.skew', 'a')).toMatchObject({ chance: 0.25, durationMs: 300_000 })
  })

  it('tell whoever watches, and whoever waits for the next', async () => {
    const faults = new Faults(parseFaults('disconnect.lost=1'))
    const seen: string[] = []
    const end = faults.watch(({ kind, subject }) => seen.push(`${kind} ${subject}`))
    const next = faults.next('disconnect.lost')
    faults.strike('disconnect.lost', 'a')
    end()
    faults.strike('disconnect.lost', 'b')
    expect(seen).toEqual(['disconnect.lost a'])
    expect((await next).subject).toBe('a')
  })
})

describe('the text of --faults', () => {
  it('gives probabilities and times', () => {
    expect(parseFaults('post.429=0.05, post.stall=0.01@10s,disconnect.late=1@2m')).toEqual({
      'post.429': { probability: 0.05 },
      'post.stall': { probability: 0.01, durationMs: 10_000 },
      'disconnect.late': { probability: 1, durationMs: 120_000 },
    })
  })

  it.each([
    ['post.418=1', '"post.418" is no kind of fault; expected post.410, post.429'],
    ['', '"" is no kind of fault'],
    ['post.429', '"post.429" does not say how often; expected post.429=<0 to 1>'],
    ['post.429=', 'does not say how often'],
    ['post.429=often', 'does not say how often'],
    ['post.429=1.5', 'does not say how often'],
    ['post.429=-1', 'does not say how often'],
    ['post.stall=1@5', 'does not say how often'],
    ['post.429=1@5s', '"post.429=1@5s" gives a time, which post.429 does not take'],
    ['post.429=1,post.429=0', '"post.429" is there twice'],
  ])('is refused as %j, saying why', (text, message) => {
    expect(() => parseFaults(text)).toThrow(FaultsError)
    expect(() => parseFaults(text)).toThrow(message)
  })

  it('is explained by a line for every kind', () => {
    for (const kind of KINDS) expect(faultsHelp()).toContain(`  ${kind} `)
  })
})
