// RecordIO: each record is its length in decimal, a newline, then that many bytes. Chunks of the
// transport do not align with records, so the reader keeps the unfinished rest.

const NEWLINE = 10
const MAX_RECORD_BYTES = 512 * 1024 * 1024
const MAX_HEADER_BYTES = 20

export class RecordReader {
  private parts: Uint8Array[] = []
  private have = 0
  private need = -1
  private header = ''
  private readonly decoder = new TextDecoder()

  // Feeds one chunk and returns the texts of the records it completes. Throws on a broken stream.
  push(chunk: Uint8Array): string[] {
    const records: string[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.need < 0) {
        at = this.readHeader(chunk, at)
      } else {
        const take = Math.min(this.need - this.have, chunk.length - at)
        this.parts.push(chunk.subarray(at, at + take))
        this.have += take
        at += take
      }
      if (this.need >= 0 && this.have === this.need) records.push(this.finish())
    }
    return records
  }

  private readHeader(chunk: Uint8Array, from: number): number {
    let at = from
    while (at < chunk.length) {
      const byte = chunk[at++] as number
      if (byte === NEWLINE) {
        if (!/^[0-9]+$/.test(this.header)) throw new Error('stream: record length is not a number')
        this.need = Number(this.header)
        this.header = ''
        if (this.need > MAX_RECORD_BYTES) throw new Error(`stream: record of ${this.need} bytes`)
        return at
      }
      this.header += String.fromCharCode(byte)
      if (this.header.length > MAX_HEADER_BYTES) throw new Error('stream: no record length found')
    }
    return at
  }

  private finish(): string {
    let text = ''
    if (this.parts.length === 1) {
      text = this.decoder.decode(this.parts[0])
    } else if (this.parts.length > 1) {
      const whole = new Uint8Array(this.need)
      let at = 0
      for (const part of this.parts) {
        whole.set(part, at)
        at += part.length
      }
      text = this.decoder.decode(whole)
    }
    this.parts = []
    this.have = 0
    this.need = -1
    return text
  }
}
