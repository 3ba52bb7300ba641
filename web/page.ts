/** The element with an id. @throws when the page has none of that kind */
export function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new Error(`the page has no ${kind.name} "${id}"`)
}

/** Shows what went wrong, as text; without an argument takes it away. */
export function showError(problem?: string): void {
  element('error', HTMLElement).textContent = problem ?? ''
}

/** Takes away what went wrong, where it is that. */
export function takeBack(problem: string): void {
  if (element('error', HTMLElement).textContent === problem) showError()
}

/** What a caught thing says. */
export const messageOf = (error: unknown) => (error instanceof Error ? error.message : 'something went wrong')

/** Runs something whose failure the user should read. */
export function attempt(work: () => Promise<void>): void {
  showError()
  work().catch((error: unknown) => showError(messageOf(error)))
}
