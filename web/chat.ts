import type { ChatEvent } from '../protocol/messages.ts'
import { element } from './page.ts'

const MAX_LINES = 200

/** The lines of the room; each is shown once, however often it comes. */
export class ChatView {
  readonly #list = element('chat', HTMLOListElement)
  readonly #seen = new Set<string>()
  readonly #own = new Set<string>()

  /** Lines with this id are the user's own. */
  own(messageId: string): void {
    this.#own.add(messageId)
  }

  add({ id, from, data }: ChatEvent): void {
    if (this.#seen.has(id)) return
    this.#seen.add(id)
    const name = document.createElement('b')
    name.textContent = this.#own.has(id) ? 'you' : from
    this.#append(name, data)
  }

  note(text: string): void {
    this.#append(text)
  }

  #append(...content: (Node | string)[]): void {
    const item = document.createElement('li')
    item.append(...content)
    this.#list.append(item)
    while (this.#list.children.length > MAX_LINES) this.#list.firstElementChild?.remove()
    this.#list.scrollTop = this.#list.scrollHeight
  }
}
