/**
 * What a client is told when something is wrong with its message:
 * `{"message": "Forbidden", "connectionId":"TXzPWdnOjoECGjA=", "requestId":"TXzQ1Fk1joEF8Qw="}`, in the very spacing that
 * is seen on the wire.
 */
export const errorText = (
  message: string,
  { connectionId, requestId }: { readonly connectionId: string; readonly requestId: string },
): string =>
  `{"message": ${JSON.stringify(message)}, "connectionId":"${connectionId}", "requestId":"${requestId}"}`
