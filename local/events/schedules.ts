import { randomUUID } from 'node:crypto'
import type { Clock, Timer } from '../clock.ts'
import type { Environment } from '../cloudformation/resource.ts'
import type { ScheduleDefinition } from './definition.ts'
import { type BusEvent, isoSeconds, ruleVariables } from './event.ts'
import type { ContextVariables } from './target-input.ts'
import type { Targets } from './targets.ts'

export interface SchedulesDependencies {
  readonly targets: Targets
  readonly clock: Clock
  readonly environment: Environment
}

/**
 * Runs the rules and schedules of a stack. What fell due while the process or
 * the machine slept is due once when it wakes. Flexible time windows are taken as off.
 */
export class Schedules {
  #definitions: readonly ScheduleDefinition[]
  readonly #dependencies: SchedulesDependencies
  readonly #timers = new Map<ScheduleDefinition, Timer>()

  constructor(definitions: readonly ScheduleDefinition[], dependencies: SchedulesDependencies) {
    this.#definitions = definitions
    this.#dependencies = dependencies
  }

  /**
   * From now on everything that is enabled comes when it is due: a rule's rate first after one period, a schedule's at
   * once, or at its start date, as on AWS. Targets that are not emulated are reported here.
   */
  start(): void {
    this.stop()
    const { clock, targets } = this.#dependencies
    const now = clock.now()
    for (const definition of this.#definitions) {
      targets.report(definition, definition.targets)
      if (!definition.enabled) continue
      const origin = definition.startsAt ?? now
      const first = definition.kind === 'schedule' ? Math.max(origin, now) - 1 : now
      this.#plan(definition, first, origin)
    }
  }

  /** Runs these in the place of those so far, as if started now. */
  update(definitions: readonly ScheduleDefinition[]): void {
    this.#definitions = definitions
    this.start()
  }

  /** Nothing comes any more; invocations that are under way are the functions' affair. */
  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  /**
   * Invokes the targets of a rule or schedule now, whether it is enabled and started or not.
   * @param name its name, logical id or construct path
   * @throws Error when there is none of that name
   */
  fire(name: string): void {
    const definition = this.#definitions.find((d) => [d.name, d.logicalId, d.path].includes(name))
    if (!definition) {
      const known = this.#definitions.map((d) => d.logicalId).join(', ')
      throw new Error(`no rule or schedule "${name}"; expected one of: ${known}`)
    }
    this.#invokeTargets(definition, this.#dependencies.clock.now())
  }

  #plan(definition: ScheduleDefinition, after: number, origin: number): void {
    const due = definition.expression.next(after, origin)
    if (due === undefined || due > (definition.endsAt ?? Infinity)) {
      this.#timers.delete(definition)
      return
    }
    this.#wait(definition, due, origin)
  }

  #wait(definition: ScheduleDefinition, due: number, origin: number): void {
    const { clock } = this.#dependencies
    const timer = clock.after(due - clock.now(), () => {
      // A timer may come early: by a millisecond, or by weeks where the time is beyond what one timer can wait.
      if (clock.now() < due) {
        this.#wait(definition, due, origin)
        return
      }
      this.#plan(definition, clock.now(), origin)
      this.#invokeTargets(definition, due)
    })
    this.#timers.set(definition, timer)
  }

  #invokeTargets(definition: ScheduleDefinition, due: number): void {
    const { targets, environment } = this.#dependencies
    const event = scheduledEvent(definition, due, environment)
    for (const target of definition.targets)
      targets.deliver(definition, target, event, contextVariables(definition, due, event))
  }
}

/**
 * ```json
 * {"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event","source":"aws.events",
 *  "account":"123456789012","time":"2026-11-23T09:00:00Z","region":"eu-west-1",
 *  "resources":["arn:aws:events:eu-west-1:123456789012:rule/Sweep"],"detail":{}}
 * ```
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html. A schedule's source is
 * `aws.scheduler`, and its `detail` the string `{}`.
 */
function scheduledEvent(
  definition: ScheduleDefinition,
  due: number,
  { accountId, region }: Environment,
): BusEvent {
  const rule = definition.kind === 'rule'
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: rule ? 'aws.events' : 'aws.scheduler',
    account: accountId,
    time: isoSeconds(due),
    region,
    resources: [definition.arn],
    detail: rule ? {} : '{}',
  }
}

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
function contextVariables(definition: ScheduleDefinition, due: number, event: BusEvent): ContextVariables {
  if (definition.kind === 'rule') return ruleVariables(definition, event)
  return {
    'aws.scheduler.schedule-arn': definition.arn,
    'aws.scheduler.scheduled-time': isoSeconds(due),
    'aws.scheduler.execution-id': event.id,
    'aws.scheduler.attempt-number': '1',
  }
}
