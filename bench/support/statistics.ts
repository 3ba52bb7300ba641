/** The value below which a share of the samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (samples: readonly number[]) => percentile(samples, 0.5)

/** A row a measure: both sides' medians, and the median, least and largest of the ratios round by round. */
export function compare(
  title: string,
  unit: string,
  { bare, local }: { readonly bare: readonly number[]; readonly local: readonly number[] },
): string {
  const ratios = local.map((value, round) => value / (bare[round] ?? Number.NaN))
  const show = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(3))
  const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
  return (
    `${title}: bare ${show(median(bare))} ${unit}, local ${show(median(local))} ${unit}, ` +
    `ratio ${median(ratios).toFixed(2)} (${range}, ${ratios.length} rounds)`
  )
}
