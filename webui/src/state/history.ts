// The session's own memory of numbers over time: one ring of samples per name on a common time
// axis. The master keeps no history in v0, so charts begin when the page was first opened; a
// reload in the same tab continues them.

export class History {
  times: number[] = []
  series: Record<string, (number | null)[]> = {}

  constructor(readonly capacity = 900) {}

  // Adds a sample; a time that does not advance is ignored (two answers of one instant).
  add(time: number, values: Record<string, number | undefined>): void {
    const last = this.times[this.times.length - 1]
    if (last !== undefined && time <= last) return
    this.times.push(time)
    for (const name of Object.keys(values)) {
      this.series[name] ??= new Array<number | null>(this.times.length - 1).fill(null)
    }
    for (const name of Object.keys(this.series)) {
      this.series[name]?.push(values[name] ?? null)
    }
    if (this.times.length > this.capacity) {
      this.times.shift()
      for (const values of Object.values(this.series)) values.shift()
    }
  }

  get(name: string): (number | null)[] {
    return this.series[name] ?? this.times.map(() => null)
  }

  // Growth of a counter per second between samples; a counter that went back restarted at zero.
  rate(name: string): (number | null)[] {
    const values = this.get(name)
    return values.map((value, i) => {
      const before = i > 0 ? values[i - 1] : null
      if (value === null || before === null || before === undefined) return null
      const seconds = (this.times[i] as number) - (this.times[i - 1] as number)
      return Math.max(0, value >= before ? value - before : value) / seconds
    })
  }

  save(key: string): void {
    try {
      sessionStorage.setItem(key, JSON.stringify({ times: this.times, series: this.series }))
    } catch {
      // Full or forbidden storage costs the charts their past, nothing else.
    }
  }

  load(key: string): void {
    try {
      const saved = JSON.parse(sessionStorage.getItem(key) ?? 'null') as History | null
      if (!saved || !Array.isArray(saved.times)) return
      this.times = saved.times
      this.series = saved.series
    } catch {
      // Not ours or damaged: start empty.
    }
  }
}
