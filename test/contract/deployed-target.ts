import { askForUrls } from './line.ts'
import { Target } from './target.ts'

/** Where the contract app is deployed; undefined when nobody said. */
export const deployedUrl = () => process.env['OPENLINE_CONTRACT_URL']

/**
 * The contract app on AWS. The SDK finds credentials as it always does; the Region is that of the URL.
 * @throws when the variable is missing or is no URL of a WebSocket API
 */
export async function openDeployedTarget(): Promise<{ target: Target; stop: () => Promise<void> }> {
  const url = deployedUrl() ?? ''
  const [, region] = /^wss:\/\/[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com\/\w+$/.exec(url) ?? []
  if (region === undefined)
    throw new Error(
      `OPENLINE_CONTRACT_URL is "${url}"; expected the Url that deploying the contract app prints, wss://….execute-api.….amazonaws.com/contract`,
    )
  const target = new Target({
    urls: await askForUrls(url),
    callbackUrl: url.replace(/^wss/, 'https'),
    region,
  })
  return { target, stop: async () => target.close() }
}
