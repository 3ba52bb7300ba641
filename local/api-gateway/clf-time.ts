const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Common log format: `23/Nov/2026:09:11:42 +0000`. */
export function clfTime(epochMs: number): string {
  const [date = '', time = ''] = new Date(epochMs).toISOString().slice(0, 19).split('T')
  const [year = '', month = '', day = ''] = date.split('-')
  return `${day}/${MONTHS[Number(month) - 1] ?? ''}/${year}:${time} +0000`
}
