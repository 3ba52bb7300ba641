import { missingParameter, SqsError } from './errors.ts'
import type { MessageAttribute, MessageAttributes, NewMessage } from './message.ts'

/** The fields of a request in the JSON protocol, read with the errors that a wrong type gets on AWS. */
export class Input {
  readonly #fields: Readonly<Record<string, unknown>>

  /** @throws SqsError when the value is no JSON object */
  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType('a structure')
    this.#fields = value as Record<string, unknown>
  }

  text(name: string): string | undefined {
    const value = this.#field(name)
    if (value !== undefined && typeof value !== 'string') throw wrongType(`a string in ${name}`)
    return value
  }

  requiredText(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw missingParameter(name)
    return value
  }

  integer(name: string): number | undefined {
    const value = this.#field(name)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(`an integer in ${name}`)
    return value
  }

  texts(name: string): string[] {
    return this.#list(name).map((item) => {
      if (typeof item !== 'string') throw wrongType(`strings in ${name}`)
      return item
    })
  }

  structures(name: string): Input[] {
    return this.#list(name).map((item) => new Input(item))
  }

  attributes(name: string): MessageAttributes {
    const value = this.#field(name)
    if (value === undefined) return {}
    return Object.fromEntries(
      Object.entries(new Input(value).#fields).map(([key, item]) => [key, new Input(item).#attribute()]),
    )
  }

  /** A message, of SendMessage or of one entry of its batch. */
  message(): NewMessage {
    const delaySeconds = this.integer('DelaySeconds')
    const groupId = this.text('MessageGroupId')
    const deduplicationId = this.text('MessageDeduplicationId')
    return {
      body: this.requiredText('MessageBody'),
      attributes: this.attributes('MessageAttributes'),
      systemAttributes: this.attributes('MessageSystemAttributes'),
      ...(delaySeconds === undefined ? {} : { delaySeconds }),
      ...(groupId === undefined ? {} : { groupId }),
      ...(deduplicationId === undefined ? {} : { deduplicationId }),
    }
  }

  #attribute(): MessageAttribute {
    const text = this.text('StringValue')
    const binary = this.text('BinaryValue')
    return {
      DataType: this.requiredText('DataType'),
      ...(text === undefined ? {} : { StringValue: text }),
      ...(binary === undefined ? {} : { BinaryValue: binary }),
    }
  }

  #list(name: string): unknown[] {
    const value = this.#field(name)
    if (value === undefined) return []
    if (!Array.isArray(value)) throw wrongType(`a list in ${name}`)
    return value
  }

  /** JSON null is an absent field. */
  #field(name: string): unknown {
    return this.#fields[name] ?? undefined
  }
}

function wrongType(expected: string): SqsError {
  return new SqsError(
    'SerializationException',
    `Start of structure or value of the wrong type found; expected ${expected}`,
  )
}
