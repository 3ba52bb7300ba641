import { isDeepStrictEqual } from 'node:util'
import type { Resource } from '../cloudformation/resource.ts'
import type { Iam } from '../iam/iam.ts'
import { mayRead } from '../lambda/mapping-permissions.ts'
import { QueueEventSourceMapping, type QueueMappingOptions } from './event-source-mapping.ts'
import { type QueueMappingDefinition, queueMappings } from './mapping-definition.ts'
import type { Queues } from './queues.ts'

export interface QueueMappingsOptions extends QueueMappingOptions {
  /** Who may do what; without it every mapping reads its queue. */
  readonly iam?: Iam | undefined
}

interface Running {
  readonly definition: QueueMappingDefinition
  readonly mapping: QueueEventSourceMapping
}

/** Every event source mapping of the stack that reads a queue. */
export class QueueEventSourceMappings {
  readonly #queues: Queues
  readonly #options: QueueMappingsOptions
  #running: readonly Running[] = []

  constructor(queues: Queues, options: QueueMappingsOptions) {
    this.#queues = queues
    this.#options = options
  }

  /**
   * Runs the mappings of these resources and no others; those that are as they were go on undisturbed.
   * @throws for one that Lambda would refuse, naming it
   */
  async update(resources: readonly Resource[]): Promise<void> {
    const { iam, log } = this.#options
    const wanted = queueMappings(resources, this.#queues, log).filter((each) => mayRead(each, { iam, log }))
    const kept = this.#running.filter(({ definition }) => wanted.some((other) => isSame(definition, other)))
    const over = this.#running.filter((running) => !kept.includes(running))
    this.#running = kept
    await Promise.all(over.map(({ mapping }) => mapping.stop()))
    const added = wanted.filter((definition) => !kept.some((other) => isSame(definition, other.definition)))
    this.#running = [...kept, ...added.map((definition) => this.#start(definition))]
  }

  /** Takes nothing more, and resolves when what is being handled is done with. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.map(({ mapping }) => mapping.stop()))
  }

  #start(definition: QueueMappingDefinition): Running {
    const mapping = new QueueEventSourceMapping(definition, this.#options)
    mapping.start()
    return { definition, mapping }
  }
}

/** The same resource, of the same queue: a definition knows its queue itself, which another of that name is not. */
const isSame = (one: QueueMappingDefinition, other: QueueMappingDefinition) =>
  one.queue === other.queue && isDeepStrictEqual({ ...one, queue: 0 }, { ...other, queue: 0 })
