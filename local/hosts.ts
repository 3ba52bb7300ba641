/** Hosts of AWS that are served here, each with its port on the loopback interface. */
export type HostTable = Readonly<Record<string, number>>

/** Services whose calls are answered by one server, told apart by the host they were made for. */
export const SERVICES = ['dynamodb', 'streams.dynamodb', 'events', 'lambda', 'sqs', 'ssm'] as const
export type ServiceName = (typeof SERVICES)[number]

/** `dynamodb.eu-west-1.amazonaws.com` */
export const serviceHost = (service: string, region: string) => `${service}.${region}.amazonaws.com`

/** `dynamodb.eu-west-1.amazonaws.com` as `dynamodb.*.amazonaws.com`: the same service in whatever Region. */
export const inAnyRegion = (host: string) =>
  host.replace(/\.[a-z]{2,3}(-[a-z]+)+-\d(?=\.amazonaws\.com$)/, '.*')

/**
 * The usual name of a host that AWS knows by others too: dual-stack (`.api.aws`), FIPS, and SQS's first ones.
 * https://docs.aws.amazon.com/general/latest/gr/rande.html
 */
export const usualHost = (host: string) =>
  host
    .replace(/\.api\.aws$/, '.amazonaws.com')
    .replace(/^([a-z.]+)-fips\./, '$1.')
    .replace(/^(?:([a-z\d-]+)\.)?queue\.amazonaws\.com$/, (_, region: string | undefined) =>
      serviceHost('sqs', region ?? 'us-east-1'),
    )

/** The port that serves a host, by one of its names or by that of its service in any Region. */
export function portOf(hosts: HostTable, host: string): number | undefined {
  const usual = usualHost(host)
  return hosts[usual] ?? hosts[inAnyRegion(usual)]
}
