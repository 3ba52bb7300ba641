import type { EventBuses, NewEvent } from './event-buses.ts'
import { DEFAULT_BUS } from './rule-definition.ts'

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
const MAX_ENTRIES = 10
/** All entries together, once 256 KB; each counts as `entryBytes` says. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
export const MAX_REQUEST_BYTES = 1024 * 1024

/** An error of the call as a whole. */
export class EventsError extends Error {
  /** `ValidationException` */
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

type Entry = Readonly<Record<string, unknown>>
interface Refusal {
  readonly ErrorCode: string
  readonly ErrorMessage: string
}

/**
 * PutEvents: an entry that is wrong is refused by itself, in the place of its id.
 * @throws EventsError when the call as a whole is wrong
 */
export function putEvents(input: Readonly<Record<string, unknown>>, buses: EventBuses): object {
  const entries = input['Entries']
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > MAX_ENTRIES) {
    const constraint =
      Array.isArray(entries) && entries.length > 0
        ? `Member must have length less than or equal to ${MAX_ENTRIES}`
        : 'Member must have length greater than or equal to 1'
    throw new EventsError(
      'ValidationException',
      `1 validation error detected: Value '${JSON.stringify(entries ?? null)}' at 'entries' failed to satisfy constraint: ${constraint}`,
    )
  }
  const bytes = (entries as Entry[]).reduce((sum, entry) => sum + entryBytes(entry), 0)
  if (bytes > MAX_REQUEST_BYTES)
    throw new EventsError(
      'ValidationException',
      'Total size of the entries in the request is over the limit.',
    )
  const results = (entries as Entry[]).map((entry) => putEntry(entry, buses))
  return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results }
}

function putEntry(entry: Entry, buses: EventBuses): Refusal | { EventId: string } {
  const refusal = refusalOf(entry)
  if (refusal) return refusal
  const { Source, DetailType, Detail, Time, Resources, EventBusName } = entry
  const event: NewEvent = {
    source: String(Source),
    detailType: String(DetailType),
    detail: String(Detail),
    resources: Array.isArray(Resources) ? Resources.map(String) : [],
    bus: typeof EventBusName === 'string' && EventBusName !== '' ? EventBusName : DEFAULT_BUS,
    ...(typeof Time === 'number' ? { time: Time * 1000 } : {}),
  }
  return { EventId: buses.put(event) }
}

function refusalOf(entry: Entry): Refusal | undefined {
  for (const name of ['Source', 'DetailType', 'Detail']) {
    const value = entry[name]
    if (typeof value !== 'string' || value === '')
      return {
        ErrorCode: 'InvalidArgument',
        ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
      }
  }
  if (String(entry['Source']).startsWith('aws.'))
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' }
  return isObjectText(String(entry['Detail']))
    ? undefined
    : { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' }
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/** What counts: 14 bytes for a time, and the texts in UTF-8. */
function entryBytes({ Time, Source, DetailType, Detail, Resources }: Entry): number {
  const texts = [Source, DetailType, Detail, ...(Array.isArray(Resources) ? (Resources as unknown[]) : [])]
  const bytes = texts.map((text) => (typeof text === 'string' ? Buffer.byteLength(text) : 0))
  return bytes.reduce((sum, each) => sum + each, Time === undefined ? 0 : 14)
}
