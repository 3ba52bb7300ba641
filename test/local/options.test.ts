import { describe, expect, it } from 'vitest'
import { AWS_LATENCY } from '../../local/latency.ts'
import { type Options, UsageError, parseOptions } from '../../local/options.ts'

const options = (...args: string[]) => parseOptions(args) as Options

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
