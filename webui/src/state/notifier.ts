// Change notification at a human pace: however many events arrive, listeners hear at most one
// call per interval, the first at once.

export class Notifier {
  private listeners = new Set<() => void>()
  private timer?: ReturnType<typeof setTimeout>
  private lastAt = 0

  constructor(private readonly intervalMs = 200) {}

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  changed(): void {
    if (this.timer) return
    const wait = Math.max(0, this.lastAt + this.intervalMs - Date.now())
    this.timer = setTimeout(() => this.tell(), wait)
  }

  private tell(): void {
    this.timer = undefined
    this.lastAt = Date.now()
    for (const listener of [...this.listeners]) listener()
  }
}
