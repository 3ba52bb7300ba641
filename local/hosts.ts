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

/** The port that serves a host, by its own name or by that of its service in any Region. */
export const portOf = (hosts: HostTable, host: string): number | undefined =>
  hosts[host] ?? hosts[inAnyRegion(host)]
