/** A template's properties are unknown values until they have been looked at. */

export const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

export const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : [])

export const record = (value: unknown) =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

/** `arn:…:apigateway:{region}:lambda:path/2015-03-31/functions/{function ARN}/invocations` gives the function's ARN. */
export function functionArn(uri: string): string {
  return /:lambda:path\/[^/]+\/functions\/(.+)\/invocations$/.exec(uri)?.[1] ?? uri
}
