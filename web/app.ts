// The page: tasks and a chat room that change while you look.
import { TASKS, parseChannel } from '../protocol/channel.ts'
import type { Channel, Offset, TaskId } from '../protocol/ids.ts'
import type { EventsFrame, ServerMessage, Task, TaskEvent } from '../protocol/messages.ts'
import { backoffMs } from './backoff.ts'
import { ChatView } from './chat.ts'
import { readAddresses } from './outputs.ts'
import { attempt, element, messageOf, showError } from './page.ts'
import { TasksApi } from './rest.ts'
import { Line } from './socket.ts'
import { TaskView } from './task-view.ts'
import { TaskList } from './tasks.ts'

const LOBBY = channel('chat/lobby')
const STATES = { connecting: 'Connecting …', open: 'Live', waiting: 'Not connected; trying again …' }

const api = new TasksApi()
const tasks = new TaskList()
const view = new TaskView({ tick, remove })
const chat = new ChatView()
/** The newest offset seen of each channel. */
const offsets = new Map<Channel, Offset>()
const line = new Line({ url: socketUrl, onFrame, onState })

function channel(name: string): Channel {
  const parsed = parseChannel(name)
  if (parsed.ok) return parsed.channel
  throw new Error(parsed.message)
}

async function socketUrl(): Promise<string> {
  const { socket, rest } = await readAddresses()
  api.base = rest
  return `${socket}?channel=${TASKS}&channel=${encodeURIComponent(LOBBY)}`
}

function onState(state: keyof typeof STATES): void {
  const status = element('status', HTMLElement)
  status.dataset['state'] = state
  if (status.textContent !== STATES[state]) status.textContent = STATES[state]
}

function onFrame(frame: ServerMessage): void {
  switch (frame.type) {
    case 'welcome': {
      const said = offsets.get(LOBBY)
      for (const [name, offset] of Object.entries(frame.channels)) {
        if (name === LOBBY && said !== undefined && said < offset) catchUp(said)
        offsets.set(channel(name), offset)
      }
      snapshot()
      return
    }
    case 'events':
      onEvents(frame)
      return
    case 'reset':
      if (frame.channel === LOBBY) chat.note('Some messages were missed.')
      return
    case 'error':
      showError(frame.message)
      return
    case 'subscribed':
    case 'unsubscribed':
    case 'published':
    case 'pong':
  }
}

function onEvents({ channel, offset, events }: EventsFrame): void {
  const last = offsets.get(channel)
  if (last === undefined || offset > last) offsets.set(channel, offset)
  for (const event of events)
    if (event.type === 'chat.message') chat.add(event)
    else applyChange(event)
  view.draw(tasks.sorted)
  if (last === undefined || offset <= last + 1) return
  if (channel === TASKS) snapshot()
  else catchUp(last)
}

function applyChange(event: TaskEvent): void {
  const title = tasks.get(event.id)?.title ?? ''
  tasks.apply(event)
  if (event.type === 'task.created') announce(`Added: ${event.data.title}`)
  else if (event.type === 'task.deleted') announce(`Deleted: ${title}`)
  else announce(`${event.data.done ? 'Done' : 'To do'}: ${event.data.title}`)
}

function announce(text: string): void {
  element('news', HTMLElement).textContent = text
}

function catchUp(after: Offset): void {
  line.send({ action: 'subscribe', channel: LOBBY, after })
}

let reading = false
let readAgain = false

/** Reads every task; asked for while it runs, it runs once more. */
function snapshot(failures = 0): void {
  if (reading) {
    readAgain = true
    return
  }
  reading = true
  tasks
    .refresh(() => api.list())
    .then(
      () => {
        reading = false
        view.draw(tasks.sorted)
        if (readAgain) {
          readAgain = false
          snapshot()
        }
      },
      (error: unknown) => {
        reading = false
        showError(messageOf(error))
        setTimeout(() => snapshot(failures + 1), backoffMs(failures))
      },
    )
}

function tick(id: TaskId, done: boolean): void {
  change(id, async (task) => tasks.put(await api.tick(task, done)))
}

function remove(id: TaskId): void {
  change(id, async (task) => {
    await api.remove(task)
    tasks.remove(id)
  })
}

/** Whatever comes of it, the page shows what is known then: a refused tick goes back. */
function change(id: TaskId, work: (task: Task) => Promise<void>): void {
  const task = tasks.get(id)
  if (task === undefined) return
  attempt(async () => {
    try {
      await work(task)
    } catch (error) {
      snapshot()
      throw error
    } finally {
      view.draw(tasks.sorted)
    }
  })
}

element('add', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  const field = element('title', HTMLInputElement)
  attempt(async () => {
    tasks.put(await api.add(field.value))
    field.value = ''
    view.draw(tasks.sorted)
  })
})

element('say', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault()
  const field = element('line', HTMLInputElement)
  const messageId = `m-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`
  chat.own(messageId)
  if (!line.send({ action: 'publish', channel: LOBBY, data: field.value, messageId })) {
    showError('not connected; the message was not sent')
    return
  }
  showError()
  field.value = ''
})
