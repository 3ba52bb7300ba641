import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import type { Log } from '../log.ts'
import { type BusEvent, isoSeconds, ruleVariables } from './event.ts'
import { parseJsonKeepingNumbers } from './json-number.ts'
import { DEFAULT_BUS, type RuleDefinition, busName, ruleDefinitions } from './rule-definition.ts'
import type { Targets } from './targets.ts'

export interface EventBusesOptions {
  readonly resources: readonly Resource[]
  readonly environment: Environment
  readonly targets: Targets
  readonly clock: Clock
  readonly log: Log
}

/** What a sender gives, checked. */
export interface NewEvent {
  readonly source: string
  readonly detailType: string
  /** JSON text of an object. */
  readonly detail: string
  /** Epoch milliseconds. @default now */
  readonly time?: number
  readonly resources: readonly string[]
  /** Name or ARN. */
  readonly bus: string
}

/** How many buses an event may go through: rules that send to each other's buses would go on for ever. */
const MAX_HOPS = 5

/** The event buses of a stack and the rules on them. */
export class EventBuses {
  readonly #options: EventBusesOptions
  readonly #unknown = new Set<string>()
  #names: ReadonlySet<string> = new Set()
  #rules: readonly RuleDefinition[] = []

  /** @throws for a rule that EventBridge would refuse */
  constructor(options: EventBusesOptions) {
    this.#options = options
    this.update(options.resources)
  }

  /** Has the buses and rules of these resources from now on. @throws for a rule that EventBridge would refuse */
  update(resources: readonly Resource[]): void {
    const { environment, targets } = this.#options
    const rules = ruleDefinitions(resources, environment)
    const buses = resources.filter(({ type }) => type === 'AWS::Events::EventBus')
    this.#names = new Set([DEFAULT_BUS, ...buses.map(({ physicalId }) => busName(physicalId))])
    this.#rules = rules
    for (const rule of this.#rules) targets.report({ kind: 'rule', ...rule }, rule.targets)
  }

  /**
   * Puts an event on a bus. One for a bus that is not there is taken and goes nowhere, as on AWS, but said aloud once.
   * @returns the event's id
   */
  put({ source, detailType, detail, time, resources, bus }: NewEvent): string {
    const { clock, environment } = this.#options
    const event: BusEvent = {
      version: '0',
      id: randomUUID(),
      'detail-type': detailType,
      source,
      account: environment.accountId,
      time: isoSeconds(time ?? clock.now()),
      region: environment.region,
      resources,
      detail: JSON.parse(detail) as unknown,
    }
    this.#publish(event, { ...event, detail: parseJsonKeepingNumbers(detail) }, busName(bus), 0)
    return event.id
  }

  /** @param comparable the event with its numbers as they were written */
  #publish(event: BusEvent, comparable: BusEvent, bus: string, hops: number): void {
    const { targets, log } = this.#options
    if (!this.#names.has(bus)) {
      if (!this.#unknown.has(bus))
        log.warn('events', `there is no event bus "${bus}" in the template; its events go nowhere`)
      this.#unknown.add(bus)
      return
    }
    if (hops > MAX_HOPS) {
      log.error(
        'events',
        `event ${event.id} went through ${MAX_HOPS} buses; it goes no further than "${bus}"`,
      )
      return
    }
    for (const rule of this.#rules.filter((each) => each.bus === bus && each.fits(comparable)))
      for (const target of rule.targets)
        targets.deliver({ kind: 'rule', ...rule }, target, event, ruleVariables(rule, event), (_, arn) =>
          this.#publish(event, comparable, busName(arn), hops + 1),
        )
  }
}
