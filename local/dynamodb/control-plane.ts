import type { Environment } from '../cloudformation/resource.ts'
import { serviceHost } from '../hosts.ts'
import { EngineError } from './client.ts'
import { tableNameOf } from './table-arns.ts'
import { type Table, streamArnOf } from './tables.ts'

type Fields = Readonly<Record<string, unknown>>

/** Operations whose answers describe tables, under either name. */
const DESCRIBES = /^(Describe|Create|Update|Delete)Table$/

const ANSWERED = new Set(['DescribeLimits', 'DescribeEndpoints', 'DescribeContinuousBackups', 'ListBackups'])

/** What SDKs and tools ask about tables beyond what the engine knows, and what the engine says with names of its own. */
export class ControlPlane {
  readonly #tables: () => readonly Table[]
  readonly #environment: Environment

  constructor(tables: () => readonly Table[], environment: Environment) {
    this.#tables = tables
    this.#environment = environment
  }

  /**
   * The answer to an operation that the engine does not have; undefined for all others.
   * @throws EngineError for a refusal
   */
  answer(operation: string, input: Fields): object | undefined {
    switch (operation) {
      case 'DescribeLimits':
        // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
        return {
          AccountMaxReadCapacityUnits: 80_000,
          AccountMaxWriteCapacityUnits: 80_000,
          TableMaxReadCapacityUnits: 40_000,
          TableMaxWriteCapacityUnits: 40_000,
        }
      case 'DescribeEndpoints':
        return {
          Endpoints: [
            { Address: serviceHost('dynamodb', this.#environment.region), CachePeriodInMinutes: 1440 },
          ],
        }
      case 'DescribeContinuousBackups':
        return this.#continuousBackups(input['TableName'])
      case 'ListBackups':
        return { BackupSummaries: [] }
      default:
        return undefined
    }
  }

  /** Whether the engine lacks an operation that is answered here. */
  readonly knows = (operation: string): boolean => ANSWERED.has(operation)

  /** Whether the engine's answer to an operation needs `retell`. */
  readonly describes = (operation: string): boolean => DESCRIBES.test(operation)

  /** A description with ARNs, stream label and view type as the template has them. */
  retell(answer: Fields): Fields {
    return Object.fromEntries(
      Object.entries(answer).map(([name, value]) => [
        name,
        name === 'Table' || name === 'TableDescription' ? this.#describe(value as Fields) : value,
      ]),
    )
  }

  #describe(description: Fields): Fields {
    const { partition, region, accountId } = this.#environment
    const text = JSON.stringify(description).replaceAll(
      /arn:aws:dynamodb:[^:"]*:\d{12}:table\//g,
      `arn:${partition}:dynamodb:${region}:${accountId}:table/`,
    )
    const retold = JSON.parse(text) as Fields
    const table = this.#tables().find(({ name }) => name === description['TableName'])
    if (!table?.engineStreamArn || retold['LatestStreamArn'] === undefined) return retold
    const LatestStreamArn = streamArnOf(table)
    return {
      ...retold,
      LatestStreamArn,
      LatestStreamLabel: LatestStreamArn.split('/stream/').at(-1),
      StreamSpecification: { StreamEnabled: true, StreamViewType: table.viewType },
    }
  }

  #continuousBackups(nameOrArn: unknown): object {
    const name = tableNameOf(String(nameOrArn))
    const table = this.#tables().find((each) => each.name === name)
    if (!table) throw new EngineError('TableNotFoundException', `Table not found: ${name}`)
    const { PointInTimeRecoverySpecification } = table.resource.properties
    const { PointInTimeRecoveryEnabled } = (PointInTimeRecoverySpecification ?? {}) as Fields
    const PointInTimeRecoveryStatus = String(PointInTimeRecoveryEnabled) === 'true' ? 'ENABLED' : 'DISABLED'
    return {
      ContinuousBackupsDescription: {
        ContinuousBackupsStatus: 'ENABLED',
        PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus },
      },
    }
  }
}
