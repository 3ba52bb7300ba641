/** Hosts of AWS that are served here, each with its port on the loopback interface. */
export type HostTable = Readonly<Record<string, number>>

/** Services whose calls are answered by one server, told apart by the host they were made for. */
export const SERVICES = ['dynamodb', 'streams.dynamodb', 'lambda', 'sqs'] as const
export type ServiceName = (typeof SERVICES)[number]

/** `dynamodb.eu-west-1.amazonaws.com` */
export const serviceHost = (service: string, region: string) => `${service}.${region}.amazonaws.com`
