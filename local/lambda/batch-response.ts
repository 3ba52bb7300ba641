/**
 * The identifiers in a reply of the form `{"batchItemFailures":[{"itemIdentifier":"…"}]}`, whatever they are; none when the reply
 * reports no failures: it is empty, null, or has no list.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
 */
export function failedIdentifiers(payload: string): unknown[] {
  const failures = (parse(payload) as { readonly batchItemFailures?: unknown } | null)?.batchItemFailures
  if (!Array.isArray(failures)) return []
  return failures.map((failure: unknown) => (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier)
}

function parse(payload: string): unknown {
  try {
    return payload === '' ? null : JSON.parse(payload)
  } catch {
    return null // a handler's reply is JSON by the time it gets here; anything else reports no failures
  }
}
