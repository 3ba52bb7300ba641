import { kindOf } from '../../protocol/channel.ts'
import { type Channel, type EpochMillis, type Offset, offset } from '../../protocol/ids.ts'
import type { ChannelLog, TaskStore } from './ports.ts'

export interface OffsetDeps {
  readonly log: ChannelLog
  readonly tasks: Pick<TaskStore, 'find'>
}

/** The newest offset of a channel: of its log, or the version of the task that it follows (0 where there is none). */
export async function newestOffset(channel: Channel, now: EpochMillis, deps: OffsetDeps): Promise<Offset> {
  const kind = kindOf(channel)
  switch (kind.kind) {
    case 'tasks':
    case 'chat':
      return deps.log.newest(channel, now)
    case 'task':
      return offset((await deps.tasks.find(kind.id))?.version ?? 0)
    case 'echo':
      return offset(0)
  }
}
