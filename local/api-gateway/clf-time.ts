const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The second that was asked for last: many events fall into one. */
let last = { second: Number.NaN, text: '' }

/** Common log format: `23/Nov/2026:09:11:42 +0000`. */
export function clfTime(epochMs: number): string {
  const second = Math.floor(epochMs / 1000)
  if (second !== last.second) last = { second, text: format(epochMs) }
  return last.text
}

function format(epochMs: number): string {
  const [date = '', time = ''] = new Date(epochMs).toISOString().slice(0, 19).split('T')
  const [year = '', month = '', day = ''] = date.split('-')
  return `${day}/${MONTHS[Number(month) - 1] ?? ''}/${year}:${time} +0000`
}
