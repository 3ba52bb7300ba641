// A hook for React, which is an optional peer: whoever imports this has it.
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import type { Task } from '../protocol/messages.ts'
import { type LiveTasksOptions, liveTasks } from './live-tasks.ts'

/**
 * The tasks, live, by id. They are followed from the first render with a line until the component goes.
 * @param options of `liveTasks`; another `line` or `rest` begins anew
 */
export function useLiveTasks(options: LiveTasksOptions): ReadonlyMap<string, Task> {
  const { line, rest } = options
  const live = useMemo(() => liveTasks(options), [line, rest])
  useEffect(() => () => live.close(), [live])
  return useSyncExternalStore(
    (listener) => live.subscribe(listener),
    () => live.tasks,
    () => live.tasks,
  )
}
