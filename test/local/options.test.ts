import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AWS_LATENCY } from '../../local/latency.ts'
import { type Options, UsageError, parseOptions } from '../../local/options.ts'
import { USAGE } from '../../local/usage.ts'

const options = (...args: string[]) => parseOptions(args) as Options

describe('the help', () => {
  it('fits on one screen', () => {
    const lines = USAGE.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(40)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  it('is in the README word for word', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../local/README.md'), 'utf8')
    expect(readme).toContain(`\n${USAGE}`)
  })

  it('names every option that is read', () => {
    const source = readFileSync(join(import.meta.dirname, '../../local/options.ts'), 'utf8')
    const read = [...source.matchAll(/^ {8}'?([a-z-]+)'?: \{ type: '(?:string|boolean)'/gm)]
    expect(read.length).toBeGreaterThan(15)
    for (const [, name = ''] of read) expect(USAGE).toMatch(new RegExp(`--\\[?${name}\\b`))
  })
})

describe('the options of how AWS behaves', () => {
  it('are AWS’s own unless they are given', () => {
    expect(options()).toMatchObject({ iam: true, quotas: {}, lossNotice: 'immediately', isStrict: false })
  })

  it('set the quotas of the account that are named, and no others', () => {
    expect(options('--quota', 'requests=100, burst=50').quotas).toEqual({ requestsPerSecond: 100, burst: 50 })
    expect(options('--quota', 'connections=1').quotas).toEqual({ newConnectionsPerSecond: 1 })
  })

  it('say when a cut line is noticed, what is strict, and that nothing is checked', () => {
    expect(options('--loss-notice', 'at-idle-timeout').lossNotice).toBe('at-idle-timeout')
    expect(options('--strict').isStrict).toBe(true)
    expect(options('--iam', 'off').iam).toBe(false)
  })

  it.each([
    [['--quota', 'posts=1'], '--quota is "posts=1"; expected requests, burst, connections'],
    [['--quota', 'burst=0'], '--quota is "burst=0"; expected requests, burst, connections'],
    [['--quota', 'requests=1,burst'], '--quota is "burst"; expected'],
    [['--quota', 'toString=1'], '--quota is "toString=1"; expected'],
    [['--loss-notice', 'soon'], '--loss-notice is "soon"; expected immediately, at-idle-timeout or never'],
    [['--iam', 'maybe'], '--iam is "maybe"; expected on or off'],
    [['--region', 'Ireland'], '--region is "Ireland"; expected the name of a Region, as in eu-west-1'],
    [['--account', '1234'], '--account is "1234"; expected the 12 digits of an account'],
    [['--strict=yes'], "Option '--strict' does not take an argument; --help lists the options"],
    [['--nope'], "Unknown option '--nope'; --help lists the options"],
  ])('are refused as %j, saying what is allowed', (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError)
    expect(() => parseOptions(args)).toThrow(message)
  })
})

describe('the options of faults and latency', () => {
  it('are none unless they are given', () => {
    expect(options()).toMatchObject({ faults: undefined, latency: undefined })
    expect(options('--latency', 'none').latency).toBeUndefined()
  })

  it('make faults with the seed that is given, else with one by chance', () => {
    expect(options('--faults', 'post.429=1', '--seed', '42').faults?.seed).toBe(42)
    const seeds = Array.from({ length: 5 }, () => options('--faults', 'post.429=1').faults?.seed)
    expect(new Set(seeds).size).toBeGreaterThan(1)
    expect(options('--faults', 'post.429=1').faults?.strike('post.429', 'a')).toBeDefined()
  })

  it("take AWS's latency by its name", () => {
    expect(options('--latency', 'aws').latency).toBe(AWS_LATENCY)
  })

  it('explain the faults when help is asked for', () => {
    expect(parseOptions(['--faults', 'help'])).toBe('faults-help')
  })

  it.each([
    [['--faults', 'post.418=1'], '--faults: "post.418" is no kind of fault; expected post.410'],
    [['--faults', 'post.429=2'], 'does not say how often; expected post.429=<0 to 1>'],
    [['--faults', 'post.429=1', '--seed', 'x'], '--seed is "x"; expected a number'],
    [['--seed', '1'], '--seed is there without --faults'],
    [['--latency', 'mars'], '--latency is "mars"; expected none or aws'],
  ])('are refused as %j, saying why', (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError)
    expect(() => parseOptions(args)).toThrow(message)
  })
})
