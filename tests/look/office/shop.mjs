// The shop that the walk goes through, and its owner's way in.

import { createHmac } from 'node:crypto';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdir, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** Starts the filled shop. `stop` ends it. */
export async function startShop(work) {
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  // Whom webhooks reach.
  const hook = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('taken'));
  });
  await new Promise((resolve) => { hook.listen(0, '127.0.0.1', resolve); });
  const python = process.env.HOLDFAST_API_PYTHON ?? 'python3';
  const script = new URL('fill.py', import.meta.url).pathname;
  const child = spawn(python, [script, work, `http://127.0.0.1:${hook.address().port}/`], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  const line = new Promise((resolve) => { createInterface({ input: child.stdout }).once('line', resolve); });
  const stop = async () => {
    child.stdin.end();
    await ended;
    hook.close();
  };
  const told = await Promise.race([line, ended.then(() => null)]);
  if (told === null) throw new Error('the shop was not filled: see above, and server.log in the work directory');
  return { ...JSON.parse(told), stop };
}

/** RFC 6238: six digits, 30 seconds, HMAC-SHA-1. */
export function totp(base32) {
  const bits = [...base32.replaceAll(' ', '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const tag = createHmac('sha1', key).update(step).digest();
  const code = tag.readUInt32BE(tag[19] & 15) & 0x7fffffff;
  return String(code % 1_000_000).padStart(6, '0');
}
