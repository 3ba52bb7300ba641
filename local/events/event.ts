import type { ContextVariables } from './target-input.ts'

/**
 * An event on a bus:
 *
 * ```json
 * {"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"order paid","source":"shop","account":"123456789012",
 *  "time":"2026-11-23T09:00:00Z","region":"eu-west-1","resources":[],"detail":{"id":1}}
 * ```
 * https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
 */
export interface BusEvent {
  readonly version: '0'
  readonly id: string
  readonly 'detail-type': string
  readonly source: string
  /** Twelve digits. */
  readonly account: string
  /** Whole seconds, in UTC. */
  readonly time: string
  readonly region: string
  readonly resources: readonly string[]
  /** An object; a schedule's is the string `{}`. */
  readonly detail: unknown
}

export const isoSeconds = (epochMs: number) => new Date(epochMs).toISOString().replace(/\.\d+/, '')

/** What a rule's input transformer may name. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html */
export function ruleVariables(
  rule: { readonly arn: string; readonly name: string },
  event: BusEvent,
): ContextVariables {
  const { detail: _detail, ...withoutDetail } = event
  return {
    'aws.events.rule-arn': rule.arn,
    'aws.events.rule-name': rule.name,
    'aws.events.event.ingestion-time': event.time,
    'aws.events.event.json': event,
    'aws.events.event': withoutDetail,
  }
}
