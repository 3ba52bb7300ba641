import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const GUARANTEES = new URL('../../docs/guarantees.md', import.meta.url)
const fromRoot = (path: string) => new URL(`../../${path}`, import.meta.url)
const read = (url: URL) => readFileSync(url, 'utf8')
const text = read(GUARANTEES)

const promises = text
  .split(/^## /m)
  .filter((section) => section.startsWith('What is promised'))
  .flatMap((section) => section.split(/^### /m).slice(1))
const proofsIn = (part: string) =>
  [...part.matchAll(/^- `(\S+) › (.+)`$/gm)].map(([, file, name]) => [file, name])
const proofs = proofsIn(text) as [file: string, name: string][]

/** Each number that the page names, as it says it and as the code has it. */
const NUMBERS: [says: string, file: string, name: string, value: number][] = [
  ['tried five times more', 'lib/task-stream.ts', 'retryAttempts', 5],
  ['20 hours at most', 'lib/task-stream.ts', 'MAX_RECORD_AGE', 20],
  ['kept for 24 hours', 'lib/config.ts', 'logRetentionHours', 24],
  ['up to 1,000 entries', 'lambda/aws/channel-log.ts', 'MAX_ENTRIES_SINCE', 1000],
  ['10,000 tasks', 'client/live-tasks.ts', 'MAX_TOMBSTONES', 10_000],
  ['32 KB at most', 'protocol/limits.ts', 'MAX_FRAME_BYTES', 32_768],
  ['last 1,000 of the channel', 'client/sequence.ts', 'REMEMBERED', 1000],
  ['tried for 10 s', 'lambda/core/deliver.ts', 'DELIVERY_BUDGET_MS', 10_000],
  ['3 s each time', 'lambda/aws/sender.ts', 'POST_TIMEOUT_MS', 3000],
  ['there are 5 s', 'lambda/core/give-up.ts', 'CLOSE_BUDGET_MS', 5000],
  ['lasts 900 s', 'lib/config.ts', 'leaseSeconds', 900],
  ['128 lanes', 'lambda/core/fan-out.ts', 'FAN_OUT_LANES', 128],
  ['half a second', 'client/line.ts', 'holeMs', 500],
  ['5 to 10 minutes', 'client/links.ts', 'REPLACE_BEFORE_MS', 300_000],
  ['two hours', 'protocol/limits.ts', 'CONNECTION_LIFETIME_MS', 7_200_000],
  ['Up to 100', 'client/line.ts', 'maxWaiting', 100],
  ['after 10 s', 'client/line.ts', 'replyMs', 10_000],
  ['at most five times on a link', 'client/backoff.ts', 'MAX_TRIES', 5],
  ['10,000 items waiting', 'client/subscription.ts', 'MAX_WAITING', 10_000],
]

/** How many tests, or groups of them, have a name that begins so. */
function namesBeginning(name: string, source: string): number {
  const names = [...source.matchAll(/\(\s*(?<quote>['"`])(?<name>(?:\\.|(?!\k<quote>).)*)\k<quote>,/gs)]
  return names.filter(({ groups }) => groups?.['name']?.startsWith(name)).length
}

/** The value that a constant, a setting or a default is given in a source: `10_000`, `32 * 1024`, `Duration.hours(20)`. */
function valueOf(name: string, source: string): number | undefined {
  const given = new RegExp(`\\b${name}(?: = |: |: \\{ fallback: )(?:Duration\\.\\w+\\()?(\\d[\\d_* ]*)`).exec(
    source,
  )
  return given?.[1]?.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1)
}

describe('docs/guarantees.md', () => {
  it('gives a proof of every promise', () => {
    expect(promises.length).toBeGreaterThan(0)
    for (const promise of promises) expect(proofsIn(promise), promise.split('\n')[0]).not.toEqual([])
  })

  it.each(proofs)('cites a test that there is, and only one: %s › %s', (file, name) => {
    expect(namesBeginning(name, read(fromRoot(`test/${file}.test.ts`)))).toBe(1)
  })

  it.each(NUMBERS)('says "%s", as %s has it: %s is %i', (says, file, name, value) => {
    expect(text.replaceAll('\n', ' ')).toContain(`${says} (\`${name}\`)`)
    expect(valueOf(name, read(fromRoot(file)))).toBe(value)
  })

  it('names no number beside these', () => {
    const named = [...text.matchAll(/\(`(\w+)`\)/g)].map(([, name]) => name)
    expect(new Set(named)).toEqual(new Set(NUMBERS.map(([, , name]) => name)))
  })

  it('links to nothing that is not there', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link ?? '')
    expect(links).not.toEqual([])
    expect(links.filter((link) => !existsSync(new URL(link, GUARANTEES)))).toEqual([])
  })
})
