/**
 * Branded identifiers and times: text and numbers that can't be taken for one another. Each is made only by its
 * constructor here; a constructor trusts its caller, the checks are in `parse.ts` and `channel.ts`.
 */
declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** `TXzPWdnOjoECGjA=`: opaque, given by API Gateway; may contain `=`, `-` and `_`. */
export type ConnectionId = Brand<string, 'ConnectionId'>
/** Who is connected: the authorizer's principal, else a guest's name made from the connection id. */
export type UserId = Brand<string, 'UserId'>
/** `t-4k2m9x7c1qwz` */
export type TaskId = Brand<string, 'TaskId'>
/** A name that passed `parseChannel`. */
export type Channel = Brand<string, 'Channel'>
/** A position in a channel's log; dense while the log lives, never going back. */
export type Offset = Brand<number, 'Offset'>
/** DynamoDB's TTL unit. */
export type EpochSeconds = Brand<number, 'EpochSeconds'>
/** `Date.now()`'s unit. */
export type EpochMillis = Brand<number, 'EpochMillis'>

export const connectionId = (value: string) => value as ConnectionId
export const userId = (value: string) => value as UserId
export const taskId = (value: string) => value as TaskId
export const offset = (value: number) => value as Offset
export const epochMillis = (value: number) => value as EpochMillis

/** The second in which a moment lies. */
export const epochSeconds = (at: EpochMillis) => Math.floor(at / 1000) as EpochSeconds
/** A moment some milliseconds later. */
export const later = (at: EpochMillis, ms: number) => (at + ms) as EpochMillis
/** `2026-11-23T09:12:06.514Z` */
export const isoTime = (at: EpochMillis) => new Date(at).toISOString()
