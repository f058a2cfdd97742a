import './style/tokens.css'
import './style/base.css'
import './style/parts.css'
import './style/table.css'
import './style/pages.css'
import './style/crawler.css'
import { render } from 'preact'
import { App } from './app'
import { cluster } from './state/cluster'

cluster.start()
const root = document.getElementById('app')
if (root) {
  root.replaceChildren()
  render(<App />, root)
}
