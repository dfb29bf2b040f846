/**
 * `npm run texts:shots [FOLDER] [NAME…]`: makes pictures of the texts that people read on GitHub, as a browser shows them, so that a person can
 * look at them: of every golden file, or of those whose names begin with a NAME. `CHROMIUM` names the browser, by default `chromium`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';

const TEXTS = path.resolve(import.meta.dirname, '../test/fixtures/texts');
/** About that of an issue's comments on GitHub. */
const WIDTH = 880;

const LOADED = `new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))`;

const STYLE = `
body { margin: 16px; font: 14px/1.5 -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif, 'Noto Color Emoji'; color: #1f2328; }
h6 { margin: 0 0 8px; font-weight: 400; color: #59636e; }
article { border: 1px solid #d1d9e0; border-radius: 6px; padding: 16px; overflow-wrap: break-word; }
header { margin: -16px -16px 16px; padding: 8px 16px; background: #f6f8fa; border-bottom: 1px solid #d1d9e0; font-weight: 600; }
h1, h2, h3 { margin: 24px 0 16px; font-weight: 600; line-height: 1.25; }
h3 { font-size: 1.25em; }
article > :first-child:not(header), article > header + * { margin-top: 0; }
p, ul, ol, table, blockquote, details, pre { margin: 0 0 16px; }
ul, ol { padding-left: 2em; }
table { border-collapse: collapse; display: block; overflow: auto; }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px; text-align: left; }
tr:nth-child(2n) td { background: #f6f8fa; }
blockquote { padding: 0 1em; color: #59636e; border-left: 0.25em solid #d1d9e0; }
code { background: #818b981f; padding: 0.2em 0.4em; border-radius: 6px; font: 85% ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace; }
pre { background: #f6f8fa; padding: 16px; border-radius: 6px; overflow: auto; }
pre code { background: none; padding: 0; }
hr { border: 0; border-top: 4px solid #d1d9e0; margin: 24px 0; }
a { color: #0969da; text-decoration: none; }
`;

const [folder = path.join(tmpdir(), 'yardmaster-texts'), ...wanted] = process.argv.slice(2);
const names = readdirSync(TEXTS)
  .filter((name) => name.endsWith('.md'))
  .map((name) => path.basename(name, '.md'))
  .filter((name) => wanted.length === 0 || wanted.some((beginning) => name.startsWith(beginning)));
mkdirSync(folder, { recursive: true });
for (const name of names) writeFileSync(path.join(folder, `${name}.html`), toPage(name));
await shoot(names.map((name) => path.join(folder, name)));
process.stdout.write(`${names.length} pictures are in ${folder}\n`);

function toPage(name: string): string {
  const text = readFileSync(path.join(TEXTS, `${name}.md`), 'utf8');
  // A check run's state and title stand above its text, and are no Markdown; so does a pull request's title.
  const [, head = '', body = text] =
    (name.startsWith('check-run') && /^(.*\n.*)\n\n([^]*)$/.exec(text)) ||
    (name === 'pull-request-hostile' && /^(.*)\n\n([^]*)$/.exec(text)) ||
    [];
  const html = micromark(body, {
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
    allowDangerousHtml: true,
  });
  return `<!doctype html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${STYLE}</style>
<h6>${escapeHtml(name)}</h6>
<article>${head === '' ? '' : `<header>${escapeHtml(head).replace('\n', '<br>')}</header>`}
${html.replaceAll('<details>', '<details open>')}</article>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** `pages`: without their endings; beside each `.html` there is its `.png` then. */
async function shoot(pages: readonly string[]): Promise<void> {
  const profile = mkdtempSync(path.join(tmpdir(), 'texts-browser-'));
  const flags = [
    '--headless',
    '--remote-debugging-pipe',
    '--disable-gpu',
    '--hide-scrollbars',
    '--no-first-run',
    `--user-data-dir=${profile}`,
    `--window-size=${WIDTH},100`,
    // Chromium refuses to sandbox what root starts; these are files of this repository.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ];
  const browser = spawn(process.env['CHROMIUM'] ?? 'chromium', flags, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  // The two pipes that Chromium speaks its protocol by.
  const ask = talkTo(browser.stdio[3] as Writable, browser.stdio[4] as Readable);
  try {
    const failed = once(browser, 'error').then(([error]) => Promise.reject(error as Error));
    await Promise.race([failed, shootAll(pages, ask)]);
  } finally {
    browser.kill();
    if (browser.pid !== undefined && browser.exitCode === null) await once(browser, 'exit');
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function shootAll(pages: readonly string[], ask: Ask): Promise<void> {
  const { targetId } = await ask('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true });
  const tab = String(sessionId);
  for (const page of pages) {
    await ask('Page.navigate', { url: pathToFileURL(`${page}.html`).href }, tab);
    await ask('Runtime.evaluate', { expression: LOADED, awaitPromise: true }, tab);
    const { cssContentSize } = await ask('Page.getLayoutMetrics', {}, tab);
    const { height } = cssContentSize as { height: number };
    const clip = { x: 0, y: 0, width: WIDTH, height, scale: 1 };
    const shot = await ask('Page.captureScreenshot', { clip, captureBeyondViewport: true }, tab);
    writeFileSync(`${page}.png`, Buffer.from(String(shot['data']), 'base64'));
  }
}

type Answer = Readonly<Record<string, unknown>>;
type Ask = (method: string, params: object, sessionId?: string) => Promise<Answer>;

/** The DevTools protocol: one JSON message after the other, each with a zero byte behind it. */
function talkTo(input: Writable, output: Readable): Ask {
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  let buffered = '';
  let last = 0;
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (buffered + chunk).split('\0');
    buffered = messages.pop() ?? '';
    for (const message of messages) {
      // By the protocol: an answer bears the number of its question.
      const { id, result, error } = JSON.parse(message) as {
        id?: number;
        result?: Answer;
        error?: { message: string };
      };
      const question = waiting.get(id ?? 0);
      waiting.delete(id ?? 0);
      if (error !== undefined) question?.reject(new Error(error.message));
      else question?.resolve(result ?? {});
    }
  });
  return (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      input.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    });
}
