import { readCount, readText } from '../env.ts'
import { channelLog } from './channel-log.ts'
import { connectionStore } from './connection-store.ts'
import { documentClient } from './document-client.ts'
import { report } from './log.ts'
import { managementClient, sender } from './sender.ts'
import { systemClock, systemRandom } from './system.ts'
import { taskStore } from './task-store.ts'

/**
 * The ports on AWS, each made from its own variables: a function takes those it uses, and its bundle holds no others.
 * A missing variable stops the cold start.
 */
type Client = ReturnType<typeof documentClient>

export const wireStore = (client: Client) =>
  connectionStore(client, { table: readText('connectionsTable'), shards: readCount('subscriptionShards') })

export const wireLog = (client: Client) =>
  channelLog(client, {
    table: readText('channelLogTable'),
    retentionMs: readCount('logRetentionSeconds') * 1000,
    clock: systemClock,
    random: systemRandom,
  })

export const wireTasks = (client: Client) => taskStore(client, { table: readText('tasksTable') })

export const wireSender = () => sender(managementClient(readText('callbackUrl')))

/** What publishing needs. */
export const wirePublish = (client: Client) => ({
  store: wireStore(client),
  log: wireLog(client),
  sender: wireSender(),
  clock: systemClock,
  random: systemRandom,
  report,
})
