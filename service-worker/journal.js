// The dedicated worker that writes the journal: only here can a file be flushed to the disk before anyone says "stored".
// Takes {id, folder, op, name, text} and answers {id} or {id, error: <name of the error>}. `op` is one of
//   hello     can this browser flush files at all?
//   prepare   makes an empty file and keeps it open
//   write     writes and flushes a file: one that was prepared, or else a new one
//   discard   removes an empty file that nobody holds open
"use strict";

// Open handles of prepared files. Whoever holds one is alone: until it is closed nobody else can open, move or remove the file.
const prepared = new Map();
const folders = new Map();

// One after the other: a file can be opened by one at a time. What is open already waits for nobody.
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  if (data.op === "write" && prepared.has(keyOf(data))) answer(data, () => writePrepared(data));
  else last = last.then(() => carryOut(data));
};

const keyOf = ({ folder, name }) => `${folder}/${name}`;
const DO = { hello, prepare, write, discard };

async function carryOut(data) {
  let close;
  try {
    if (!Object.hasOwn(DO, data.op)) throw new TypeError(`no such operation: ${data.op}`);
    close = await DO[data.op](data);
  } catch (error) {
    return tell(data, error);
  }
  answer(data, () => close);
}

// Carries out, answers, and only then closes: what is flushed is safe, and closing takes long in some browsers.
function answer(data, act) {
  let close;
  try {
    close = act();
  } catch (error) {
    return tell(data, error);
  }
  self.postMessage({ id: data.id });
  if (close) close();
}

function tell({ id }, error) {
  self.postMessage({ id, error: (error && error.name) || "Error" });
}

// The handle of a folder that was deleted in the meantime is of no use: then it is asked for again.
async function inFolder(name, act) {
  const held = folders.get(name);
  if (held) {
    try {
      return await act(held);
    } catch (error) {
      if (error.name !== "NotFoundError") throw error;
    }
  }
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(name, { create: true });
  folders.set(name, folder);
  return act(folder);
}

// Fails where there is no such file system, or none that can flush.
async function hello({ folder }) {
  await inFolder(folder, async () => {});
  if (!("createSyncAccessHandle" in FileSystemFileHandle.prototype)) throw new TypeError("no sync access handles");
}

async function openFile(data, create) {
  const file = await inFolder(data.folder, (folder) => folder.getFileHandle(data.name, { create }));
  return file.createSyncAccessHandle();
}

async function prepare(data) {
  const handle = await openFile(data, true);
  if (handle.getSize() !== 0) {
    handle.close();
    throw new DOMException("something is in it", "InvalidStateError");
  }
  prepared.set(keyOf(data), handle);
}

function writePrepared(data) {
  const handle = prepared.get(keyOf(data));
  prepared.delete(keyOf(data));
  return put(handle, data.text);
}

async function write(data) {
  return put(await openFile(data, true), data.text);
}

// Returns what closes the handle; a handle that could not be written is closed at once, so that the file can be removed.
function put(handle, text) {
  const bytes = new TextEncoder().encode(text);
  try {
    if (handle.getSize() !== 0) handle.truncate(0);
    const written = handle.write(bytes, { at: 0 });
    if (written !== bytes.length) throw new DOMException("the file took only a part", "QuotaExceededError");
    handle.flush();
  } catch (error) {
    handle.close();
    throw error;
  }
  return () => handle.close();
}

async function discard(data) {
  const handle = await openFile(data, false);
  const size = handle.getSize();
  handle.close();
  if (size !== 0) throw new DOMException("something is in it", "InvalidStateError");
  await inFolder(data.folder, (folder) => folder.removeEntry(data.name));
}
