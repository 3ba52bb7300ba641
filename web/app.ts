// The page: tasks and a chat room that change while you look, on the client library.
import { type Status, connect, liveTasks } from '../client/index.ts'
import type { Task, TaskEvent } from '../client/index.ts'
import type { TaskId } from '../protocol/ids.ts'
import { ChatView } from './chat.ts'
import { readAddresses } from './outputs.ts'
import { attempt, element, messageOf, showError, takeBack } from './page.ts'
import { TasksApi } from './rest.ts'
import { TaskView } from './task-view.ts'

const LOBBY = 'chat/lobby'
const STATUSES: Readonly<Record<Status, string>> = {
  connecting: 'Connecting …',
  open: 'Live',
  resuming: 'Not connected; trying again …',
  closed: 'Not connected.',
}
const WAITING = 'Not connected; the message is sent as soon as the line is back.'

/** Why the tasks could not be read, last. */
let trouble = ''
const api = new TasksApi(async () => (await readAddresses()).rest)
const line = connect({ url: async () => (await readAddresses()).socket })
// Told before the tasks below change: what is deleted still has its title then.
line.subscribe('tasks', { onEvent: announce })
const live = liveTasks({
  line,
  rest: () => api.base(),
  onTrouble: (error) => showError((trouble = `${messageOf(error)}; trying again`)),
})
const view = new TaskView({ tick, remove })
const chat = new ChatView()
line.subscribe(LOBBY, {
  onEvent: (event) => chat.add(event),
  onReset: () => chat.note('Some messages were missed.'),
})
line.onStatus(showStatus)
live.subscribe(draw)

function showStatus(status: Status): void {
  const place = element('status', HTMLElement)
  place.dataset['state'] = status
  place.textContent = STATUSES[status]
}

function draw(): void {
  takeBack(trouble)
  if (live.isReady) view.draw([...live.tasks.values()].sort(byAge))
}

const byAge = (a: Task, b: Task) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id)

function announce(event: TaskEvent): void {
  element('news', HTMLElement).textContent = newsOf(event)
}

function newsOf(event: TaskEvent): string {
  if (event.type === 'task.deleted') return `Deleted: ${live.tasks.get(event.id)?.title ?? ''}`
  const { title, done } = event.data
  if (event.type === 'task.created') return `Added: ${title}`
  return `${done ? 'Done' : 'To do'}: ${title}`
}

function tick(id: TaskId, done: boolean): void {
  change(id, async (task) => live.put(await api.tick(task, done)))
}

function remove(id: TaskId): void {
  change(id, async (task) => {
    await api.remove(task)
    live.remove(id)
  })
}

/** Whatever comes of it, the page shows what is known then: a refused tick goes back. */
function change(id: TaskId, work: (task: Task) => Promise<void>): void {
  const task = live.tasks.get(id)
  if (task === undefined) return
  attempt(async () => {
    try {
      await work(task)
    } catch (error) {
      live.refresh()
      throw error
    } finally {
      draw()
    }
  })
}

element('add', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  const field = element('title', HTMLInputElement)
  attempt(async () => {
    live.put(await api.add(field.value))
    field.value = ''
  })
})

element('say', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  const field = element('line', HTMLInputElement)
  const { messageId, state, done } = line.publish(LOBBY, field.value)
  chat.own(messageId)
  done.then(
    () => takeBack(WAITING),
    (error: unknown) => showError(messageOf(error)),
  )
  showError(state === 'waiting' ? WAITING : undefined)
  if (state !== 'failed') field.value = ''
})
