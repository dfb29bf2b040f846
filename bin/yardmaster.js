#!/usr/bin/env node
// Plain JavaScript without imports, so that an old Node can run it far enough to say what is wrong.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `yardmaster needs Node.js 22.18 or newer; this is ${process.versions.node}.\n` +
      'Install a current Node.js (https://nodejs.org), or take one from npm for this call: npx --package node@24 -- yardmaster --help\n',
  );
  process.exit(1);
}

// Reading and compiling the modules is most of a start, so the result is kept, where nobody else may write. Without such a folder it is
// done anew each time. NODE_COMPILE_CACHE goes before it, and NODE_DISABLE_COMPILE_CACHE=1 turns it off.
const { enableCompileCache } = await import('node:module');
const { homedir } = await import('node:os');
enableCompileCache(`${process.env.XDG_CACHE_HOME || `${homedir()}/.cache`}/yardmaster/compiled`);

// A checkout holds src/, which Node runs as it is; a published package holds only dist/. The source goes first, so that a build
// that lies around from `npm pack` is never taken for it.
const { existsSync } = await import('node:fs');
const source = new URL('../src/cli.ts', import.meta.url);
await import(existsSync(source) ? source.href : new URL('../dist/cli.js', import.meta.url).href);
