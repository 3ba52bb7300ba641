import type { Iam } from '../iam/iam.ts'
import type { FunctionInvoker } from '../lambda/invoker.ts'
import type { Log } from '../log.ts'
import type { Queues } from '../sqs/queues.ts'
import type { ScheduleTarget } from './definition.ts'
import type { BusEvent } from './event.ts'
import { type ContextVariables, targetEvent } from './target-input.ts'

export interface TargetsDependencies {
  readonly functions: FunctionInvoker
  readonly queues: Queues
  readonly log: Log
  /**
   * Whether EventBridge may invoke a function: by the function's policy for a rule, by its role for a schedule.
   * @default always
   */
  readonly mayInvoke?: Iam['mayInvoke'] | undefined
}

const SERVICES = { rule: 'events.amazonaws.com', schedule: 'scheduler.amazonaws.com' } as const

/** Whose target it is: a rule, or a schedule. */
export interface TargetOwner {
  readonly kind: 'rule' | 'schedule'
  readonly path: string
  readonly arn: string
}

/** Takes an event over on another bus. */
export type Forward = (event: BusEvent, busArn: string) => void

const KINDS = {
  function: /^arn:[^:]+:lambda:[^:]*:[^:]*:function:/,
  queue: /^arn:[^:]+:sqs:/,
  bus: /^arn:[^:]+:events:[^:]*:[^:]*:event-bus\//,
} as const

const kindOf = (arn: string) =>
  (Object.keys(KINDS) as (keyof typeof KINDS)[]).find((kind) => KINDS[kind].test(arn))

/**
 * Brings events to what rules and schedules name: functions, which are invoked asynchronously, queues and other buses. What
 * fails here (no such target, no permission, input that is no JSON) is what EventBridge does not try again either: it goes to the target's
 * dead-letter queue at once.
 */
export class Targets {
  readonly #dependencies: TargetsDependencies

  constructor(dependencies: TargetsDependencies) {
    this.#dependencies = dependencies
  }

  /** Says which targets are not emulated, or not of the template. */
  report({ kind, path }: TargetOwner, targets: readonly ScheduleTarget[]): void {
    const { queues, log } = this.#dependencies
    for (const { arn } of targets)
      if (kindOf(arn) === undefined || (kindOf(arn) === 'queue' && !queues.byArn(arn)))
        log.warn('events', `${kind} "${path}" has the target "${arn}", which is not emulated; it is skipped`)
  }

  deliver(
    owner: TargetOwner,
    target: ScheduleTarget,
    event: BusEvent,
    context: ContextVariables,
    forward?: Forward,
  ): void {
    const { functions, queues, log } = this.#dependencies
    const { arn, input } = target
    try {
      switch (kindOf(arn)) {
        case 'function':
          if (!this.#mayInvoke(owner, target)) {
            this.#giveUp(owner, target, event, 'NO_PERMISSIONS', 'EventBridge may not invoke the function')
            return
          }
          functions.invokeAsync(arn, targetEvent(input, event, context))
          break
        case 'queue':
          queues.byArn(arn)?.send({
            body: JSON.stringify(targetEvent(input, event, context)),
            ...(target.messageGroupId === undefined ? {} : { groupId: target.messageGroupId }),
          })
          break
        case 'bus':
          forward?.(event, arn)
          break
        case undefined:
          break // said at the start
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log.error('events', `${owner.kind} "${owner.path}" could not reach "${arn}": ${reason}`)
      this.#giveUp(owner, target, event, 'NO_RESOURCE', reason)
    }
  }

  #mayInvoke({ kind, arn: sourceArn }: TargetOwner, { arn, roleArn }: ScheduleTarget): boolean {
    const { mayInvoke } = this.#dependencies
    const role = kind === 'schedule' ? (roleArn ?? '') : undefined
    return mayInvoke?.({ service: SERVICES[kind], sourceArn }, arn, role) ?? true
  }

  /** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html */
  #giveUp(
    owner: TargetOwner,
    { arn, deadLetterArn }: ScheduleTarget,
    event: BusEvent,
    code: string,
    reason: string,
  ): void {
    if (deadLetterArn === undefined) return
    this.#dependencies.queues.send(deadLetterArn, JSON.stringify(event), {
      ERROR_CODE: code,
      ERROR_MESSAGE: reason,
      RETRY_ATTEMPTS: '0',
      [owner.kind === 'rule' ? 'RULE_ARN' : 'SCHEDULE_ARN']: owner.arn,
      TARGET_ARN: arn,
    })
  }
}
