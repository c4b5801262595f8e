// The dedicated worker that writes the journal: only here can a file be flushed to the disk before anyone says "stored".
// Takes {id, folder, op: "hello" | "write", name, text} and answers {id} or {id, error: <name of the error>}.
"use strict";

// One after the other: a file can be opened by one at a time.
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last.then(() => carryOut(data));
};

async function carryOut(data) {
  const { id, op } = data;
  try {
    if (op === "hello") await hello(data);
    else if (op === "write") await write(data);
    else throw new TypeError(`no such operation: ${op}`);
    self.postMessage({ id });
  } catch (error) {
    self.postMessage({ id, error: (error && error.name) || "Error" });
  }
}

async function openFolder(name) {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(name, { create: true });
}

// Fails where there is no such file system, or none that can flush.
async function hello({ folder }) {
  await openFolder(folder);
  if (!("createSyncAccessHandle" in FileSystemFileHandle.prototype)) throw new TypeError("no sync access handles");
}

async function write({ folder, name, text }) {
  const file = await (await openFolder(folder)).getFileHandle(name, { create: true });
  const handle = await file.createSyncAccessHandle();
  try {
    const bytes = new TextEncoder().encode(text);
    handle.truncate(0);
    const written = handle.write(bytes, { at: 0 });
    if (written !== bytes.length) throw new DOMException("the file took only a part", "QuotaExceededError");
    handle.flush();
  } finally {
    handle.close();
  }
}
