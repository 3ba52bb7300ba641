import { fillRandom } from '../random-bytes.ts'

/** `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0`, which X-Ray would not sample. */
export function traceId(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000).toString(16)
  const random = fillRandom(Buffer.allocUnsafe(20)).toString('hex')
  return `Root=1-${seconds}-${random.slice(0, 24)};Parent=${random.slice(24)};Sampled=0`
}
