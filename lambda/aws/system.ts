import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Context } from 'aws-lambda'
import { epochMillis, later, taskId } from '../../protocol/ids.ts'
import type { Clock, Random } from '../core/ports.ts'

export const systemClock: Clock = {
  now: () => epochMillis(Date.now()),
  sleep: async (ms) => {
    await setTimeout(ms)
  },
}

/** The middle of what an invocation has left: what was tried in vain until then has the other half to be given up in. */
export const halfTime = (context: Pick<Context, 'getRemainingTimeInMillis'>) =>
  later(systemClock.now(), context.getRemainingTimeInMillis() / 2)

export const systemRandom: Random = Math.random

const ID_BYTES = 9

/** `m-9x2Kq0fS_cQb`: 72 random bits. */
export const newMessageId = () => `m-${randomBytes(ID_BYTES).toString('base64url')}`
/** `t-4k2m9x7c1qwzPd`: letters and digits of lower case, good in a URL and in a channel's name. */
export const newTaskId = () =>
  taskId(`t-${BigInt(`0x${randomBytes(ID_BYTES).toString('hex')}`).toString(36)}`)
