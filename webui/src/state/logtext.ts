// The text of a followed file: blocks of whole lines, bounded, with the byte range they cover.
// Bytes are decoded as UTF-8 across chunk borders; terminal colour codes and other control
// characters are dropped.

const KEEP_BYTES = 1024 * 1024
const BLOCK_CHARS = 16 * 1024

export interface Block {
  id: number
  text: string
  bytes: number
}

const ESCAPES = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b[@-_]/g
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g

export function cleanText(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(ESCAPES, '').replace(CONTROL, '')
}

export function decodeText(bytes: Uint8Array): string {
  return cleanText(new TextDecoder().decode(bytes))
}

export class LogText {
  begin = 0
  end = 0
  private list: Block[] = []
  private rest = '' // last line, unfinished
  private restBytes = 0
  private decoder = new TextDecoder()
  private nextId = 1
  private firstId = -1
  private room = KEEP_BYTES // grows when the reader asks for earlier parts

  reset(at: number): void {
    this.begin = this.end = at
    this.list = []
    this.rest = ''
    this.restBytes = 0
    this.decoder = new TextDecoder()
  }

  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.end += bytes.length
    this.rest += this.decoder.decode(bytes, { stream: true })
    this.restBytes += bytes.length
    const cut = this.rest.length > 1e6 ? this.rest.length : this.rest.lastIndexOf('\n') + 1
    if (cut > 0) {
      const whole = this.rest.slice(0, cut)
      this.rest = this.rest.slice(cut)
      const left = new TextEncoder().encode(this.rest).length
      this.addBlock(whole.replace(/\n$/, ''), this.restBytes - left)
      this.restBytes = left
    }
    this.trim()
  }

  prepend(bytes: Uint8Array, from: number): void {
    const text = decodeText(bytes).replace(/\n$/, '')
    this.list.unshift({ id: this.firstId--, text, bytes: bytes.length })
    this.begin = from
    this.room += 2 * bytes.length // they stay until as much again has been written
  }

  blocks(): Block[] {
    if (this.rest === '') return this.list
    return [...this.list, { id: 0, text: cleanText(this.rest), bytes: this.restBytes }]
  }

  // Small appends join the last block, so that a chatty task does not become thousands of nodes.
  private addBlock(text: string, bytes: number): void {
    const last = this.list[this.list.length - 1]
    if (last && last.text.length + text.length < BLOCK_CHARS) {
      last.text += `\n${cleanText(text)}`
      last.bytes += bytes
    } else {
      this.list.push({ id: this.nextId++, text: cleanText(text), bytes })
    }
  }

  private trim(): void {
    while (this.end - this.begin > this.room && this.list.length > 1) {
      this.begin += this.list.shift()?.bytes ?? 0
    }
  }
}
