import type { Fact } from '../fact.ts'
import { disconnect } from './disconnect.ts'
import { handshake } from './handshake.ts'
import { http } from './http.ts'
import { management } from './management.ts'
import { messages } from './messages.ts'

/** Everything that the suite asks, by subject. */
export const FACTS: Readonly<Record<string, readonly Fact[]>> = {
  'the handshake': handshake,
  messages,
  $disconnect: disconnect,
  'the management API': management,
  'HTTP APIs': http,
}
