import { TemplateError } from './template-error.ts'

/** A place in a template's source that moves on. */
export class Scanner {
  readonly source: string
  offset: number

  /** @param start,end a part of the source, whose places stay those of the whole */
  constructor(source: string, start = 0, end = source.length) {
    this.source = source.slice(0, end)
    this.offset = start
  }

  get isAtEnd(): boolean {
    return this.offset >= this.source.length
  }

  /** The next character; empty at the end. */
  get next(): string {
    return this.source[this.offset] ?? ''
  }

  /** The match of a sticky expression here; nothing is consumed. */
  look(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.offset
    return pattern.exec(this.source) ?? undefined
  }

  /** The match of a sticky expression here, consumed. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    const match = this.look(pattern)
    if (match) this.offset += match[0].length
    return match
  }

  /** Whether `text` stands here; it is consumed then. */
  takes(text: string): boolean {
    if (!this.source.startsWith(text, this.offset)) return false
    this.offset += text.length
    return true
  }

  skipSpace(): void {
    this.take(/\s*/y)
  }

  /** @throws TemplateError when something else stands here */
  expect(text: string, where: string): void {
    this.skipSpace()
    if (!this.takes(text)) this.fail(`expected "${text}" ${where}, found ${this.found()}`)
  }

  /** The text up to `end`, which is consumed too. @throws TemplateError when there is none */
  upTo(end: string, what: string): string {
    const at = this.source.indexOf(end, this.offset)
    if (at === -1) this.fail(`${what} is not closed with "${end}"`)
    const text = this.source.slice(this.offset, at)
    this.offset = at + end.length
    return text
  }

  fail(problem: string, offset = this.offset): never {
    throw new TemplateError(problem, this.source, offset)
  }

  found(): string {
    return this.isAtEnd ? 'the end of the template' : JSON.stringify(this.next)
  }
}
