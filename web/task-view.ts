import type { TaskId } from '../protocol/ids.ts'
import type { Task } from '../protocol/messages.ts'
import { element } from './page.ts'

export interface TaskActions {
  readonly tick: (id: TaskId, done: boolean) => void
  readonly remove: (id: TaskId) => void
}

interface Row {
  readonly item: HTMLLIElement
  readonly box: HTMLInputElement
  readonly title: HTMLSpanElement
  readonly button: HTMLButtonElement
}

/** Draws the tasks into the list, row by row, so that focus and reading place stay. */
export class TaskView {
  readonly #list = element('tasks', HTMLUListElement)
  readonly #rows = new Map<TaskId, Row>()
  readonly #actions: TaskActions

  constructor(actions: TaskActions) {
    this.#actions = actions
  }

  draw(tasks: readonly Task[]): void {
    const present = new Set(tasks.map(({ id }) => id))
    for (const [id, row] of this.#rows) if (!present.has(id)) this.#drop(id, row)
    for (const [index, task] of tasks.entries()) {
      const { item, box, title, button } = this.#rows.get(task.id) ?? this.#add(task.id)
      title.textContent = task.title
      box.checked = task.done
      button.setAttribute('aria-label', `Delete ${task.title}`)
      if (this.#list.children[index] !== item)
        this.#list.insertBefore(item, this.#list.children[index] ?? null)
    }
    element('empty', HTMLElement).hidden = tasks.length > 0
  }

  #add(id: TaskId): Row {
    const [item, label] = [document.createElement('li'), document.createElement('label')]
    const [box, title, button] = [
      document.createElement('input'),
      document.createElement('span'),
      document.createElement('button'),
    ]
    box.type = 'checkbox'
    box.addEventListener('change', () => this.#actions.tick(id, box.checked))
    button.type = 'button'
    button.textContent = 'Delete'
    button.addEventListener('click', () => this.#actions.remove(id))
    label.append(box, title)
    item.append(label, button)
    const row = { item, box, title, button }
    this.#rows.set(id, row)
    return row
  }

  /** Focus that would be lost goes to the row after, else before, else to the field for a new task. */
  #drop(id: TaskId, { item }: Row): void {
    if (item.contains(document.activeElement)) {
      const neighbour = item.nextElementSibling ?? item.previousElementSibling
      const next = neighbour?.querySelector('button') ?? element('title', HTMLInputElement)
      next.focus()
    }
    item.remove()
    this.#rows.delete(id)
  }
}
