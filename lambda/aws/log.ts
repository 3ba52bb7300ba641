import type { Report } from '../core/ports.ts'

/** One JSON object a line, as CloudWatch Logs Insights reads it: `{"level":"info","message":"fanned out","channel":"tasks","sent":2}` */
export const report: Report = (level, message, details) => {
  console[level](JSON.stringify({ level, message, ...details }))
}
