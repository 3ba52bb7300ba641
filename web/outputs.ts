export interface Addresses {
  /** `ws://localhost:4501/dev` */
  readonly socket: string
  /** `http://localhost:4502` */
  readonly rest: string
}

interface Outputs {
  readonly apis?: readonly { readonly protocol: 'WEBSOCKET' | 'HTTP'; readonly url: string }[]
}

/** Where the APIs are, from `outputs.json` beside the page. @throws while they are not there */
export async function readAddresses(): Promise<Addresses> {
  const response = await fetch('outputs.json').catch((cause: unknown) => {
    throw new Error('the service can not be reached', { cause })
  })
  const { apis = [] } = (await response.json()) as Outputs
  const urlOf = (protocol: string) => apis.find((api) => api.protocol === protocol)?.url
  const [socket, rest] = [urlOf('WEBSOCKET'), urlOf('HTTP')]
  if (socket === undefined || rest === undefined) throw new Error('the service is still starting')
  return { socket, rest }
}
