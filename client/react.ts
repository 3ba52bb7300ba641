// A hook for React, which is an optional peer: whoever imports this has it.
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { Task } from '../protocol/messages.ts'
import { type LiveTasksOptions, liveTasks } from './live-tasks.ts'
import { valueOf } from './waiting.ts'

const NONE: ReadonlyMap<string, Task> = new Map()

/**
 * The tasks, live, by id; none until a snapshot has been read. They are followed while the component is mounted: what is
 * only rendered, as React may do at any time and more than once, opens nothing.
 * @param options of `liveTasks`; another `line`, or another `rest` that is a string, begins anew
 */
export function useLiveTasks(options: LiveTasksOptions): ReadonlyMap<string, Task> {
  const { line, rest } = options
  const latest = useRef(options)
  useEffect(() => void (latest.current = options)) // before the effect that subscribes
  const store = useMemo(() => {
    let tasks = NONE
    const subscribe = (listener: () => void) => {
      const live = liveTasks({
        ...latest.current,
        line,
        rest: () => valueOf(latest.current.rest),
        headers: () => latest.current.headers?.() ?? {},
        onTrouble: (error) => latest.current.onTrouble?.(error),
      })
      live.subscribe(() => {
        if (!live.isReady) return
        tasks = live.tasks
        listener()
      })
      return () => live.close()
    }
    return { subscribe, read: () => tasks }
  }, [line, typeof rest === 'string' ? rest : undefined])
  return useSyncExternalStore(store.subscribe, store.read, store.read)
}
